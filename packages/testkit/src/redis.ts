import { findProgram } from './process/program.js';
import { Server } from './process/server.js';

const READY_MS_MAX = 10_000;

/** A real Redis that keeps nothing on disk. */
export interface Redis extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Ends it by signal 9; everything it held is lost. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

/** Names what is missing, or null. */
export async function redisMissing(): Promise<string | null> {
  const found = await findProgram('redis-server');
  return found === null ? 'redis-server is not installed (Debian package redis-server)' : null;
}

export async function startRedis(): Promise<Redis> {
  const command = await findProgram('redis-server');
  if (command === null) throw new Error((await redisMissing()) ?? 'redis-server is missing');
  const server = await Server.start({
    name: 'redis',
    readyMsMax: READY_MS_MAX,
    prepare: (directory, port) => {
      const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', directory];
      return Promise.resolve({ command, args: [...args, '--save', '', '--appendonly', 'no'] });
    },
  });
  return {
    port: server.port,
    url: `redis://127.0.0.1:${server.port}`,
    crash: () => server.kill(),
    start: () => server.start(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
