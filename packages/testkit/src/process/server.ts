import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { realpath, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pause } from '@turnout/core/waiting';
import { freePort } from './free-port.js';
import { makeOwned, unprivileged } from './unprivileged.js';
import { startWatchdog, type Watchdog } from './watchdog.js';

const PORT_ATTEMPTS_MAX = 5;
const STOP_MS_MAX = 10_000;

export interface ServerRecipe {
  readonly name: string;
  readonly readyMsMax: number;
  /** Writes what the server needs into `directory` and says how to start it. */
  prepare(directory: string, port: number): Promise<{ command: string; args: readonly string[] }>;
}

/** A program that listens on a loopback port and keeps what it has in one temporary directory. */
export class Server implements AsyncDisposable {
  readonly directory: string;
  readonly logFile: string;
  readonly #recipe: ServerRecipe;
  readonly #watchdog: Watchdog;
  readonly #pidFile: string;
  #port = 0;
  #child: ChildProcess | undefined;

  private constructor(recipe: ServerRecipe, directory: string) {
    this.#recipe = recipe;
    this.directory = directory;
    this.logFile = join(directory, 'server.log');
    this.#pidFile = join(directory, 'server.pid');
    this.#watchdog = startWatchdog(directory, this.#pidFile, directory, 'KILL');
    process.once('exit', this.#onExit);
  }

  /** Makes the directory and starts the server on a free port. */
  static async start(recipe: ServerRecipe): Promise<Server> {
    const name = `turnout-${recipe.name}-${randomBytes(4).toString('hex')}`;
    const directory = join(await realpath(tmpdir()), name);
    await makeOwned(directory, unprivileged());
    const server = new Server(recipe, directory);
    try {
      await server.start();
      return server;
    } catch (thrown) {
      await server[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  get port(): number {
    return this.#port;
  }

  get running(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Starts it again after `kill`, on the same port. */
  async start(): Promise<void> {
    if (this.running) return;
    const fixed = this.#port !== 0;
    for (let attempt = 1; ; attempt += 1) {
      if (!fixed) this.#port = await freePort();
      await this.#launch();
      if (await this.#ready()) return;
      const words = readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-3).join(' | ');
      await this.kill();
      const taken = /in use/i.test(words);
      if (fixed || !taken || attempt >= PORT_ATTEMPTS_MAX) {
        throw new Error(`${this.#recipe.name} did not start: ${words || 'it said nothing'}`);
      }
    }
  }

  /** Ends the server by `signal` and resolves when it is gone; its files stay. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.running) return;
    child.ref();
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await gone;
    clearTimeout(timer);
  }

  /** Ends the server and removes its directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.directory, { recursive: true, force: true });
    process.removeListener('exit', this.#onExit);
    await this.#watchdog.release();
  }

  async #launch(): Promise<void> {
    const { command, args } = await this.#recipe.prepare(this.directory, this.#port);
    const log = openSync(this.logFile, 'a');
    const child = spawn(command, args, {
      ...unprivileged(),
      cwd: this.directory,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.on('error', () => undefined);
    child.unref();
    this.#child = child;
    await writeFile(this.#pidFile, `${child.pid ?? ''}\n`);
  }

  async #ready(): Promise<boolean> {
    const deadlineMs = performance.now() + this.#recipe.readyMsMax;
    while (this.running && performance.now() < deadlineMs) {
      if ((await listens(this.#port)) && this.running) return true;
      await pause(20);
    }
    return false;
  }

  readonly #onExit = (): void => {
    this.#child?.kill('SIGKILL');
    try {
      rmSync(this.directory, { recursive: true, force: true });
    } catch {
      // The watchdog comes after us.
    }
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
