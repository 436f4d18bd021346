import { execFile } from 'node:child_process';
import { isSide, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import type { PointOptions, RouteAdapter, RouteLead } from './route.js';

export interface ExecRouteOptions {
  readonly pair: string;
  /** `{side}` in an argument is replaced; the side is also in TURNOUT_SIDE. */
  readonly command: readonly string[];
  /** Prints `blue` or `green`. */
  readonly probe: readonly string[];
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 10_000;
const OUTPUT_BYTES_MAX = 64 * 1024;

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

  async point(side: Side, { epoch }: PointOptions): Promise<void> {
    const { command, pair } = this.#options;
    const filled = command.map((argument) => argument.replaceAll('{side}', side));
    const exitCode = await this.#run(filled, {
      TURNOUT_PAIR: pair,
      TURNOUT_SIDE: side,
      TURNOUT_EPOCH: String(epoch),
    }).then(
      () => null,
      (error: Error & { code?: unknown }) => String(error.code ?? error.name),
    );
    const observed = await this.probe();
    if (exitCode === null && observed === side) return;
    throw fail('route_unconfirmed', {
      route: this.describe(),
      wanted: side,
      observed,
      exit_code: exitCode,
    });
  }

  async probe(): Promise<RouteLead> {
    try {
      const answer = await this.#run(this.#options.probe, { TURNOUT_PAIR: this.#options.pair });
      const word = answer.trim();
      return isSide(word) ? word : 'unknown';
    } catch {
      return 'unknown';
    }
  }

  async close(): Promise<void> {
    // Programs end with their call.
  }

  /** No shell: an argument is never read as anything but an argument. */
  #run([program = '', ...rest]: readonly string[], env: Record<string, string>): Promise<string> {
    const options = {
      timeout: this.#options.timeoutMs ?? TIMEOUT_MS,
      killSignal: 'SIGKILL' as const,
      maxBuffer: OUTPUT_BYTES_MAX,
      env: { ...process.env, ...env },
    };
    return new Promise((resolve, reject) => {
      execFile(program, rest, options, (error, stdout) => {
        if (error) reject(error);
        else resolve(stdout);
      });
    });
  }
}
