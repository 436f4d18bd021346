import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pause, within } from '@turnout/core/waiting';
import { unprivileged } from '../process/unprivileged.js';
import { descendants, isAlive } from './process-tree.js';

const READY_MS_MAX = 60_000;
const FAST_STOP_MS_MAX = 15_000;
const IMMEDIATE_STOP_MS_MAX = 10_000;

export interface PostmasterFiles {
  readonly program: string;
  readonly dataDirectory: string;
  readonly logFile: string;
}

/** One running server process of a cluster, from its start to its end. */
export class Postmaster {
  readonly #child: ChildProcess;
  readonly #files: PostmasterFiles;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess, files: PostmasterFiles) {
    this.#child = child;
    this.#files = files;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
  }

  /** Starts the server and resolves once it takes connections; rejects with the end of its log. */
  static async start(
    files: PostmasterFiles,
    settings: Readonly<Record<string, string>>,
  ): Promise<Postmaster> {
    const args = ['-D', files.dataDirectory];
    for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
    const log = openSync(files.logFile, 'a');
    // In a session of its own: Ctrl-C in the terminal must reach us only, who stop things in order.
    const child = spawn(files.program, args, {
      ...unprivileged(),
      cwd: files.dataDirectory,
      detached: true,
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.unref();
    const postmaster = new Postmaster(child, files);
    await postmaster.#ready();
    return postmaster;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return (
      this.#child.pid !== undefined && this.#child.exitCode === null && !this.#child.signalCode
    );
  }

  async #ready(): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX;
    const pidFile = join(this.#files.dataDirectory, 'postmaster.pid');
    for (;;) {
      if (!this.running) throw new Error(`PostgreSQL did not start: ${this.#lastWords()}`);
      // The file of an earlier server may still lie there, hence the comparison of the pid.
      const lines = readText(pidFile).split('\n');
      if (Number(lines[0]) === this.pid && lines[7]?.trim() === 'ready') return;
      if (performance.now() >= deadlineMs) {
        this.killAll();
        throw new Error(`PostgreSQL was not ready in ${READY_MS_MAX} ms: ${this.#lastWords()}`);
      }
      await pause(10);
    }
  }

  /** Fast shutdown; one that does not end (a receiver that reads nothing) is made immediate. */
  async stop(): Promise<void> {
    if (!this.running) return;
    if (!(await this.#endedBy('SIGINT', FAST_STOP_MS_MAX))) await this.abandon();
  }

  /** Immediate shutdown: nothing is written, the next start recovers. */
  async abandon(): Promise<void> {
    if (!this.running) return;
    if (!(await this.#endedBy('SIGQUIT', IMMEDIATE_STOP_MS_MAX))) await this.crash();
  }

  async #endedBy(signal: NodeJS.Signals, timeoutMs: number): Promise<boolean> {
    // Unreferenced while it serves, the child must keep the loop alive while its end is awaited.
    this.#child.ref();
    this.#child.kill(signal);
    const ended = this.#ended.then(() => true);
    return within(ended, timeoutMs, () => new Error('late')).catch(() => false);
  }

  /** Ends the server and all of its processes by signal 9, as a power cut would. */
  async crash(): Promise<void> {
    this.#child.ref();
    const family = this.killAll();
    await this.#ended;
    const deadlineMs = performance.now() + IMMEDIATE_STOP_MS_MAX;
    while (family.some(isAlive)) {
      if (performance.now() >= deadlineMs) throw new Error('a PostgreSQL process survives SIGKILL');
      await pause(5);
    }
  }

  /** Sends the signals only. The server is halted first so that it starts nobody meanwhile. */
  killAll(): readonly number[] {
    if (!this.running) return [];
    process.kill(this.pid, 'SIGSTOP');
    const family = [...descendants(this.pid), this.pid];
    for (const pid of family) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself in between, which is what was wanted.
      }
    }
    return family;
  }

  #lastWords(): string {
    return readText(this.#files.logFile).trim().split('\n').slice(-4).join(' | ');
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
