import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportFailure } from '../failure.js';
import type { Terminal } from '../terminal.js';
import { Cleanup } from './cleanup.js';
import { sceneOf, type DemoOptions } from './demo-options.js';
import { drawReport, makeReport, type DemoReport } from './demo-report.js';
import { requireExtras } from './extras.js';
import { Scene } from './scene.js';
import { listStage, plainStage, type Stage } from './stage.js';
import { DEMO_STEPS } from './steps.js';

/** The whole job on throw-away clusters. Removes everything it made, whatever way it ends. */
export async function runDemo(terminal: Terminal, options: DemoOptions): Promise<number> {
  const setting = sceneOf(options);
  await requireExtras(setting.extras);
  const cleanup = new Cleanup();
  const tell = options.json ? terminal.say : terminal.out;
  try {
    const directory = await mkdtemp(join(await realpath(tmpdir()), 'turnout-demo-'));
    cleanup.add('directory', () => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
    const scene = new Scene({ options: setting, directory, signal: terminal.signal, cleanup });
    const report = await play(terminal, scene, options.json);
    if (options.json) terminal.out(JSON.stringify(report));
    else terminal.out(`\n${drawReport(report)}`);
    if (options.keep) await keep(scene, tell);
    return report.ok ? 0 : 1;
  } catch (thrown) {
    return reportFailure(terminal, thrown);
  } finally {
    for (const failure of await cleanup.run()) terminal.say(`could not be removed: ${failure}`);
  }
}

async function play(terminal: Terminal, scene: Scene, json: boolean): Promise<DemoReport> {
  const list = terminal.isTTY && !json;
  const stage: Stage = list ? listStage : plainStage(json ? terminal.say : terminal.out);
  try {
    await stage(DEMO_STEPS, scene);
  } catch (thrown) {
    // Its log goes with the directory; the last words are what a person would look for.
    const served = scene.find('served');
    if (served && !terminal.signal.aborted)
      terminal.say(`the services said:\n${served.lastWords()}`);
    throw thrown;
  }
  return makeReport(scene.get('figures'));
}

/** Prints how to go on and waits until it is interrupted. */
async function keep(scene: Scene, tell: (text: string) => void): Promise<void> {
  const { file, token, tokenFile } = scene.get('config');
  const turnout = `npx turnout --config ${file} --token-file ${tokenFile}`;
  tell(
    [
      '',
      `Everything is left running until Ctrl-C.`,
      `API    ${scene.get('apiUrl')}   (description at /docs)`,
      `token  ${token.reveal()}`,
      `Next:  ${turnout} status shop`,
      `       ${turnout} rollback shop --wait`,
      `       ${turnout} events shop --follow`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    if (scene.signal.aborted) return resolve();
    scene.signal.addEventListener('abort', () => resolve(), { once: true });
    // A promise alone keeps no process alive.
    const timer = setInterval(() => undefined, 60_000);
    scene.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  });
}
