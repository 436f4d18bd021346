import type { Side } from '@turnout/core/sides';
import { CancelledSignal } from '@turnout/core/waiting';
import { spawnGuardian, type Guardian } from './guardian/guardian.js';
import type { PoolerInstance, RouteAdapter } from './route.js';
import type { Hold, HoldRequest, Routes, RouteState } from './routes.js';

/** Every adapter does its part before the first failure is told: one bad route stops no other. */
async function forAll(
  adapters: readonly RouteAdapter[],
  work: (adapter: RouteAdapter) => Promise<void>,
): Promise<void> {
  const results = await Promise.allSettled(adapters.map(work));
  const failures = results.filter((result) => result.status === 'rejected');
  if (failures.length === 1) throw failures[0]!.reason;
  if (failures.length > 1) {
    const reasons = failures.map(({ reason }) => reason as Error);
    const first = reasons[0]!;
    // The first one's code and facts are the answer; the others are kept with it.
    first.cause = new AggregateError(reasons, `${reasons.length} routes failed`);
    throw first;
  }
}

/** The routes of one pair, acting together. */
export class RouteSet implements Routes {
  readonly #adapters: readonly RouteAdapter[];
  #warm: Guardian | null = null;

  constructor(adapters: readonly RouteAdapter[]) {
    this.#adapters = adapters;
  }

  get count(): number {
    return this.#adapters.length;
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
    guardian.hold({ poolers, fromEndpoint, deadlineMs, pauseTimeoutMs: timeoutMs });
    try {
      await pausedOrAborted(guardian, signal);
    } catch (thrown) {
      await guardian.close();
      throw thrown;
    }
    return { release: async () => void (await guardian.release()) };
  }

  async resume(): Promise<void> {
    await forAll(this.#adapters, async (adapter) => adapter.resume?.());
  }

  async point(side: Side, epoch: bigint): Promise<void> {
    await forAll(this.#adapters, (adapter) => adapter.point(side, { epoch }));
  }

  async reconcile(side: Side, epoch: bigint): Promise<void> {
    await forAll(this.#adapters, async (adapter) => {
      if ((await adapter.probe()) !== side) await adapter.point(side, { epoch });
    });
  }

  async reachable(): Promise<boolean> {
    const states = await this.probe();
    return states.every(({ leads }) => leads !== 'unknown');
  }

  async probe(): Promise<RouteState[]> {
    return Promise.all(
      this.#adapters.map(async (adapter) => ({
        route: adapter.describe(),
        leads: await adapter.probe(),
      })),
    );
  }

  describe(): string[] {
    return this.#adapters.map((adapter) => adapter.describe());
  }

  async close(): Promise<void> {
    await this.#warm?.close();
    this.#warm = null;
    await Promise.allSettled(this.#adapters.map((adapter) => adapter.close()));
  }

  #poolers(): PoolerInstance[] {
    return this.#adapters.flatMap((adapter) => [...adapter.poolers]);
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
