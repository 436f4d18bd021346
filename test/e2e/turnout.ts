import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '@turnout/core/waiting';

const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

export interface Run {
  readonly exit: number | null;
  readonly out: string;
  readonly said: string;
}

export interface RunningTurnout {
  readonly done: Promise<Run>;
  interrupt(): void;
  /** Ends it by signal 9; its leases stay until they run out. */
  kill(): void;
  /** Resolves when a line of it, on either stream, matches. */
  says(pattern: RegExp): Promise<void>;
}

/** The program as a user runs it, built. */
export function startTurnout(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): RunningTurnout {
  const child = spawn(process.execPath, [MAIN, ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let said = '';
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    wake();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    wake();
  });
  const done = new Promise<Run>((resolve) => {
    child.once('close', (exit) => resolve({ exit, out, said }));
  });
  return {
    done,
    interrupt: () => void child.kill('SIGINT'),
    kill: () => void child.kill('SIGKILL'),
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(out + said)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void done.then(() => reject(new Error(`ended before saying ${pattern}: ${said}`)));
      }),
  };
}

export function turnout(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<Run> {
  return startTurnout(words, env).done;
}

/** `turnout serve` on a configuration, and the CLI pointed at it as an admin. */
export interface ServedProgram extends AsyncDisposable {
  run(...words: string[]): Promise<Run>;
}

export async function serve(configFile: string): Promise<ServedProgram> {
  const env = { TURNOUT_TOKEN: 'admin', TURNOUT_CONFIG: configFile };
  const { api } = JSON.parse(await readFile(configFile, 'utf8')) as { api: { listen: string } };
  const program = startTurnout(['serve'], env);
  const ended = program.done.then(({ said }) => {
    throw new Error(`it ended before its API answered: ${said}`);
  });
  const answers = waitUntil(
    async () =>
      (await fetch(`http://${api.listen}/livez`).catch(() => null))?.ok ? true : undefined,
    { timeoutMs: 30_000, intervalMs: 20, onTimeout: () => new Error('its API does not answer') },
  );
  await Promise.race([answers, ended]);
  ended.catch(() => undefined);
  return {
    run: (...words) => turnout(words, env),
    async [Symbol.asyncDispose]() {
      program.interrupt();
      await program.done;
    },
  };
}
