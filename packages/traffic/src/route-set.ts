import type { Side } from '@turnout/core/sides';
import { CancelledSignal, within } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import { spawnGuardian, type Guardian } from './guardian/guardian.js';
import type { PoolerInstance, RouteAdapter } from './route.js';
import { RouteRunner } from './route-runner.js';
import type {
  ActLimits,
  Hold,
  HoldRequest,
  RouteLimits,
  RouteOutcome,
  Routes,
  RouteState,
} from './routes.js';

/** The routes of one pair, acting together and failing each by itself. */
export class RouteSet implements Routes {
  /** Poolers first: what they hold are clients of the window, and their commands go out first. */
  readonly #routes: readonly RouteRunner[];
  #warm: Guardian | null = null;
  /** Until when a hold of ours may stand; reconciling must not end it. */
  #heldUntilMs = -Infinity;
  #reconciling = new AbortController();

  constructor(adapters: readonly RouteAdapter[]) {
    const routes = adapters.map((adapter) => new RouteRunner(adapter));
    const rank = ({ traits }: RouteRunner): number => (traits.pausable ? 0 : 1);
    this.#routes = routes.toSorted((a, b) => rank(a) - rank(b));
  }

  get count(): number {
    return this.#routes.length;
  }

  get poolerCount(): number {
    return this.#poolers().length;
  }

  async warm(): Promise<void> {
    if (this.poolerCount === 0 || this.#warm?.alive) return;
    const guardian = spawnGuardian();
    this.#warm = guardian;
    await guardian.ready();
  }

  async hold({ fromEndpoint, deadlineMs, timeoutMs, signal }: HoldRequest): Promise<Hold> {
    if (signal.aborted) throw new CancelledSignal('hold');
    const poolers = this.#poolers();
    if (poolers.length === 0) return { release: async () => undefined };
    const guardian = this.#warm?.alive ? this.#warm : spawnGuardian();
    this.#warm = null;
    this.#heldUntilMs = performance.now() + deadlineMs;
    try {
      await this.#endReconciliation(timeoutMs);
      guardian.hold({ poolers, fromEndpoint, deadlineMs, pauseTimeoutMs: timeoutMs });
      await pausedOrAborted(guardian, signal);
    } catch (thrown) {
      await guardian.close();
      this.#heldUntilMs = -Infinity;
      throw thrown;
    }
    return {
      release: async () => {
        this.#heldUntilMs = -Infinity;
        await guardian.release();
      },
    };
  }

  resume(limits: ActLimits): Promise<RouteOutcome[]> {
    return Promise.all(this.#pausable().map((route) => route.resume(limits)));
  }

  point(side: Side, epoch: bigint, limits: ActLimits): Promise<RouteOutcome[]> {
    return Promise.all(this.#routes.map((route) => route.point(side, epoch, limits)));
  }

  reconcile(side: Side, epoch: bigint, limits: ActLimits): Promise<RouteOutcome[]> {
    const stop = this.#reconciling.signal;
    const holding = (): boolean => performance.now() < this.#heldUntilMs;
    return Promise.all(
      this.#routes.map((route) => {
        const held = (): boolean => route.traits.pausable && holding();
        return route.reconcile(side, epoch, limits, { held, stop });
      }),
    );
  }

  probe(limits: RouteLimits): Promise<RouteState[]> {
    return Promise.all(this.#routes.map((route) => route.probe(limits)));
  }

  describe(): string[] {
    return this.#routes.map(({ adapter }) => adapter.describe());
  }

  async close(): Promise<void> {
    await this.#warm?.close();
    this.#warm = null;
  }

  /** A reconciliation that is under way could RESUME what is about to be paused: it ends first. */
  async #endReconciliation(timeoutMs: number): Promise<void> {
    this.#reconciling.abort(new CancelledSignal('reconciliation'));
    this.#reconciling = new AbortController();
    const acts = this.#pausable().map(({ idle }) => idle);
    await within(Promise.all(acts), timeoutMs, () =>
      fail('pooler_not_paused', { reason: 'an earlier act on it has not ended' }),
    );
  }

  #pausable(): RouteRunner[] {
    return this.#routes.filter(({ traits }) => traits.pausable);
  }

  #poolers(): PoolerInstance[] {
    return this.#routes.flatMap(({ adapter }) => [...adapter.poolers]);
  }
}

async function pausedOrAborted(guardian: Guardian, signal: AbortSignal): Promise<void> {
  let onAbort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new CancelledSignal('hold'));
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([guardian.paused(), aborted]);
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort);
  }
}
