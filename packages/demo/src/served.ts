import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { fail, isError } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import { startWatchdog, type Watchdog } from '@turnout/testkit/process/watchdog';

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 20_000;
const LOG_LINES = 5;

export interface ServeOrder {
  /** Of the demo; it goes, and the process with it, when this one is killed. */
  readonly directory: string;
  readonly configFile: string;
  /** The file that is `turnout`. */
  readonly program: string;
}

/** `turnout serve` as a process of its own, as an operator would run it. */
export class Served implements AsyncDisposable {
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #watchdog: Watchdog;
  readonly #gone: Promise<void>;

  private constructor(child: ChildProcess, logFile: string, watchdog: Watchdog) {
    this.#child = child;
    this.logFile = logFile;
    this.#watchdog = watchdog;
    this.#gone = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    process.once('exit', this.#onExit);
  }

  static async start({ directory, configFile, program }: ServeOrder): Promise<Served> {
    const logFile = join(directory, 'serve.log');
    const log = openSync(logFile, 'a');
    const child = spawn(process.execPath, [program, '--config', configFile, 'serve'], {
      cwd: directory,
      // Its own group: Ctrl-C is for the demo, which then ends everything in order.
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const pidFile = join(directory, 'serve.pid');
    await writeFile(pidFile, `${child.pid ?? ''}\n`);
    return new Served(child, logFile, startWatchdog(directory, pidFile, directory, 'TERM'));
  }

  /** Resolves when the API answers. @throws TRN1010 with the last words of its log */
  async ready(client: TurnoutClient, signal: AbortSignal): Promise<void> {
    await waitUntil(
      async () => {
        if (this.#ended) throw this.#failure('it ended by itself');
        try {
          await client.pairs({ signal });
          return true;
        } catch (thrown) {
          if (isError(thrown, 'api_unreachable')) return undefined;
          throw thrown;
        }
      },
      {
        timeoutMs: READY_MS_MAX,
        intervalMs: 50,
        signal,
        onTimeout: () => this.#failure('the API does not answer'),
      },
    );
  }

  lastWords(): string {
    return readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-LOG_LINES).join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS_MAX);
      await this.#gone;
      clearTimeout(timer);
    }
    process.removeListener('exit', this.#onExit);
    await this.#watchdog.release();
  }

  get #ended(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  #failure(problem: string): Error {
    return fail('local_server_failed', { server: 'turnout serve', problem, log: this.lastWords() });
  }

  readonly #onExit = (): void => {
    this.#child.kill('SIGKILL');
  };
}
