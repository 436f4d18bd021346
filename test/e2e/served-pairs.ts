import { createHash } from 'node:crypto';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@turnout/testkit/process/free-port';
import { startTurnout, turnout, type Run } from './turnout.js';

const TOKEN = 'token of a test';

export interface PairInput {
  readonly blue: { readonly url: string };
  readonly green: { readonly url: string };
  readonly [key: string]: unknown;
}

/** `turnout serve` on a configuration of its own, and the CLI pointed at it. */
export interface ServedPairs extends AsyncDisposable {
  run(...words: string[]): Promise<Run>;
}

export async function servePairs(
  controlUrl: string,
  pairs: Readonly<Record<string, PairInput>>,
  more: object = {},
): Promise<ServedPairs> {
  const directory = await mkdtemp(join(await realpath(tmpdir()), 'turnout-e2e-'));
  const port = await freePort();
  const sha256 = createHash('sha256').update(TOKEN).digest('hex');
  const tokens = [{ name: 'test', role: 'admin', sha256 }];
  await writeFile(join(directory, 'tokens.yaml'), JSON.stringify(tokens));
  const file = join(directory, 'turnout.yaml');
  const config = {
    control: { url: controlUrl },
    api: { listen: `127.0.0.1:${port}`, tokens_file: join(directory, 'tokens.yaml') },
    pairs,
    ...more,
  };
  await writeFile(file, JSON.stringify(config));
  const env = { TURNOUT_TOKEN: TOKEN, TURNOUT_CONFIG: file };
  const serve = startTurnout(['serve'], env);
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    await serve.says(/API listens/);
  } catch (thrown) {
    await remove();
    throw thrown;
  }
  return {
    run: (...words) => turnout(words, env),
    async [Symbol.asyncDispose]() {
      serve.interrupt();
      await serve.done;
      await remove();
    },
  };
}
