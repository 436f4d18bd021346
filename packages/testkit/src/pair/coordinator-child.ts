import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { waitUntil, within } from '@turnout/core/waiting';
import type { ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import { readStatus } from '../cluster/process-tree.js';
import type { CoordinatorJob } from './coordinator-process.js';
import type { ChildNews, FailpointOrder, ParentNews } from './failpoints.js';
import { PairApi } from './pair-api.js';

const REACH_MS_MAX = 60_000;
const POLL = { timeoutMs: 10_000, intervalMs: 2 };

export interface CoordinatorOrder extends FailpointOrder {
  /** Who it is in leases and logs. */
  readonly instanceId?: string | undefined;
  /** Step or commit behind which it kills itself, as its log tells of it. */
  readonly killAfter?: string | null | undefined;
}

/** A coordinator in a process of its own, which may be told where to die or to halt. */
export class CoordinatorChild extends PairApi implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #reached = new Set<string>();
  readonly #waiting = new Set<() => void>();
  #ordered = 0;
  /** Resolves when the process has ended, whatever way. */
  readonly died: Promise<void>;

  private constructor(child: ChildProcess, port: number, pair: string) {
    super(port, pair);
    this.#child = child;
    this.died = new Promise((resolve) => child.once('exit', () => resolve()));
    child.on('message', (news: ChildNews) => {
      if (news.kind === 'ordered') this.#ordered += 1;
      else this.#reached.add(news.failpoint);
      for (const look of this.#waiting) look();
    });
  }

  /** Starts the process; it may still have to come up, see `ready`. */
  static launch(config: ResolvedConfig, pair: string, order: CoordinatorOrder): CoordinatorChild {
    const child = fork(entry(), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const { port } = config.api;
    const coordinator = new CoordinatorChild(child, port, pair);
    child.send({ config, ...order } satisfies CoordinatorJob);
    return coordinator;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /**
   * Resolves once the failpoint was reached, also when that was before. Where the process was told
   * to halt there, it is halted.
   */
  async untilReached(failpoint: string, timeoutMs = REACH_MS_MAX): Promise<void> {
    let look = (): void => undefined;
    const reached = new Promise<void>((resolve, reject) => {
      look = () => {
        if (this.#reached.has(failpoint)) resolve();
      };
      this.#waiting.add(look);
      look();
      void this.died.then(() => reject(new Error(`it died before ${failpoint}`)));
    });
    const late = (): Error =>
      new Error(`${failpoint} was not reached, but ${[...this.#reached].join(', ') || 'nothing'}`);
    await within(reached, timeoutMs, late).finally(() => this.#waiting.delete(look));
  }

  /** Tells it anew where to die or to halt; what it reached before is forgotten. */
  async order(order: FailpointOrder): Promise<void> {
    const before = this.#ordered;
    this.#child.send({ kind: 'order', order } satisfies ParentNews);
    const heard = (): boolean => this.#ordered > before;
    const onTimeout = (): Error => new Error('the coordinator does not take an order');
    await waitUntil(() => Promise.resolve(heard() || undefined), { ...POLL, onTimeout });
    this.#reached.clear();
  }

  /** Resolves when it stands still after `pauseAt` or `pause`. */
  async untilHalted(): Promise<void> {
    const halted = (): boolean => /^State:\s+[Tt]/m.test(readStatus(this.pid));
    const onTimeout = (): Error => new Error('the coordinator does not halt');
    await waitUntil(() => Promise.resolve(halted() || undefined), { ...POLL, onTimeout });
  }

  /** Halts it wherever it is; its sessions stay open and silent. */
  async pause(): Promise<void> {
    this.#child.kill('SIGSTOP');
    await this.untilHalted();
  }

  /** Lets it go on after `pauseAt` or `pause`. */
  resume(): void {
    this.#child.kill('SIGCONT');
    if (this.#child.connected) this.#child.send({ kind: 'resume' } satisfies ParentNews);
  }

  /** Ends it by signal 9 and resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.died;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** A child runs what was built, also when this file runs from its source. */
function entry(): string {
  return fileURLToPath(new URL('coordinator-process.js', import.meta.url)).replace(
    /\/src\/(pair\/[^/]*)$/,
    '/dist/$1',
  );
}
