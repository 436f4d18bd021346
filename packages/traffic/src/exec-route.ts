import { spawn } from 'node:child_process';
import { messageOf } from '@turnout/core/app-error';
import { isSide, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { withDeadline, onAborted } from './deadline.js';
import type { CallLimit, PointOptions, RouteAdapter, RouteReading } from './route.js';

export interface ExecRouteOptions {
  readonly pair: string;
  /** `{side}` in an argument is replaced; the side is also in TURNOUT_SIDE. */
  readonly command: readonly string[];
  /** Prints `blue` or `green`. */
  readonly probe: readonly string[];
  /** Limit of one program. */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 10_000;
const OUTPUT_BYTES_MAX = 64 * 1024;

interface Ended {
  /** Exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
}

/** A program of the operator's that moves the traffic, and one that says where it goes. */
export class ExecRoute implements RouteAdapter {
  readonly kind = 'exec';
  readonly poolers = [];
  readonly #options: ExecRouteOptions;

  constructor(options: ExecRouteOptions) {
    this.#options = options;
  }

  get instances(): readonly string[] {
    return [this.describe()];
  }

  describe(): string {
    return `exec ${this.#options.command[0] ?? ''}`;
  }

  async point(side: Side, { epoch, signal }: PointOptions): Promise<void> {
    const { command, pair } = this.#options;
    const filled = command.map((argument) => argument.replaceAll('{side}', side));
    const env = { TURNOUT_PAIR: pair, TURNOUT_SIDE: side, TURNOUT_EPOCH: String(epoch) };
    const failure = await this.#run(filled, env, signal).then(
      ({ code }) => (code === 0 ? null : String(code)),
      (thrown: unknown) => messageOf(thrown),
    );
    const { routedTo } = await this.probe({ signal });
    if (failure === null && routedTo === side) return;
    throw fail('route_unconfirmed', {
      route: this.describe(),
      wanted: side,
      observed: routedTo,
      exit_code: failure,
    });
  }

  async probe({ signal }: CallLimit): Promise<RouteReading> {
    try {
      const env = { TURNOUT_PAIR: this.#options.pair };
      const { code, stdout } = await this.#run(this.#options.probe, env, signal);
      if (code !== 0) return { routedTo: 'unknown', why: `its probe ended with ${code}` };
      const word = stdout.trim();
      if (isSide(word)) return { routedTo: word, why: null };
      return { routedTo: 'unknown', why: 'its probe names neither side' };
    } catch (thrown) {
      return { routedTo: 'unknown', why: messageOf(thrown) };
    }
  }

  #run(command: readonly string[], env: Record<string, string>, signal: AbortSignal) {
    const deadlineMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    const onTimeout = (): Error => new Error(`did not end within ${deadlineMs} ms`);
    return withDeadline({ signal, deadlineMs, onTimeout }, (limit) =>
      runProgram(command, { ...process.env, ...env }, limit),
    );
  }
}

/**
 * Runs a program without a shell: an argument is never read as anything but an argument. It leads a
 * process group of its own, which is killed as a whole: a child of a script that was given up would
 * otherwise move the traffic later, and hold the output open meanwhile.
 */
function runProgram(
  [program = '', ...rest]: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, rest, {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const kill = (): void => {
      child.stdout.destroy();
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
    };
    const release = onAborted(signal, kill);
    let stdout = '';
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => {
      stdout += chunk;
      if (stdout.length > OUTPUT_BYTES_MAX) kill();
    });
    child.once('error', (error) => {
      release();
      reject(error);
    });
    child.once('close', (code, killedBy) => {
      release();
      resolve({ code: code ?? killedBy ?? 'unknown', stdout });
    });
  });
}
