import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cleanup } from '@turnout/testkit/cleanup';
import { DemoRun, type DemoParts } from './demo-run.js';
import { settingOf, type DemoOptions } from './options.js';
import { makeReport, type DemoReport } from './report.js';
import { listReporter, plainReporter } from './reporter.js';
import { requireExtras } from './servers.js';
import { DEMO_STEPS } from './steps.js';

/** Who watches the demo. */
export interface DemoAudience extends Pick<DemoParts, 'program' | 'drawPlan' | 'signal'> {
  /** Shows a list with a live line instead of one line for each step. */
  readonly live: boolean;
  say(text: string): void;
  /** Told once, before a demo that is kept waits for its end. */
  onReport(report: DemoReport): void;
}

/**
 * The whole job on throw-away clusters. Removes everything it made, whatever way it ends.
 * @throws errors of the catalogue, once everything is removed
 */
export async function runDemo(options: DemoOptions, audience: DemoAudience): Promise<DemoReport> {
  const setting = settingOf(options);
  await requireExtras(setting.extras);
  const cleanup = new Cleanup();
  try {
    const directory = await mkdtemp(join(await realpath(tmpdir()), 'turnout-demo-'));
    cleanup.add('directory', () => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
    const { program, drawPlan, signal } = audience;
    const run = new DemoRun({ setting, directory, signal, cleanup, program, drawPlan });
    await perform(run, audience);
    const report = makeReport(run.get('figures'));
    audience.onReport(report);
    if (options.keep) await keep(run, audience.say);
    return report;
  } finally {
    for (const failure of await cleanup.run()) audience.say(`could not be removed: ${failure}`);
  }
}

async function perform(run: DemoRun, { live, say, signal }: DemoAudience): Promise<void> {
  const report = live ? listReporter : plainReporter(say);
  try {
    await report(DEMO_STEPS, run);
  } catch (thrown) {
    // Its log goes with the directory; the last words are what a person would look for.
    const served = run.find('served');
    if (served && !signal.aborted) say(`the services said:\n${served.lastWords()}`);
    throw thrown;
  }
}

/** Prints how to go on and waits until it is interrupted. */
async function keep(run: DemoRun, say: (text: string) => void): Promise<void> {
  const { file, token, tokenFile } = run.get('config');
  const turnout = `npx turnout --config ${file} --token-file ${tokenFile}`;
  say(
    [
      '',
      `Everything is left running until Ctrl-C.`,
      `API    ${run.get('apiUrl')}   (description at /docs)`,
      `token  ${token.reveal()}`,
      `Next:  ${turnout} status shop`,
      `       ${turnout} rollback shop --wait`,
      `       ${turnout} events shop --follow`,
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    if (run.signal.aborted) return resolve();
    run.signal.addEventListener('abort', () => resolve(), { once: true });
    // A promise alone keeps no process alive.
    const timer = setInterval(() => undefined, 60_000);
    run.signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  });
}
