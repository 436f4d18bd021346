import { spawn } from 'node:child_process';
import type { RunAs } from './unprivileged.js';

export interface RunOptions extends RunAs {
  readonly cwd?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly input?: string | undefined;
}

/** Runs a program to its end and gives its standard output; a non-zero end rejects with its words. */
export function run(
  command: string,
  args: readonly string[],
  { input, ...options }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const output = Buffer.concat(out).toString();
      if (code === 0) return resolve(output);
      const words = Buffer.concat(err).toString().trim() || output.trim();
      reject(new Error(`${command} ended with ${code ?? signal}: ${words.slice(-2_000)}`));
    });
  });
}
