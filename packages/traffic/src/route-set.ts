import { isAppError, messageOf } from '@turnout/core/app-error';
import type { Side } from '@turnout/core/sides';
import { CancelledSignal, isCancelled, within } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import { withDeadline } from './deadline.js';
import { spawnGuardian, type Guardian } from './guardian/guardian.js';
import { ROUTE_KINDS } from './route-kinds.js';
import type { PoolerInstance, RouteAdapter, RouteReading } from './route.js';
import type {
  ActLimits,
  Hold,
  HoldRequest,
  RouteLimits,
  RouteOutcome,
  Routes,
  RouteState,
} from './routes.js';

/** Does one thing to a route and answers where it leads then. */
type RouteWork = (adapter: RouteAdapter, signal: AbortSignal) => Promise<RouteReading>;

/** The routes of one pair, acting together and failing each by itself. */
export class RouteSet implements Routes {
  /** Poolers first: what they hold are clients of the window, and their commands go out first. */
  readonly #adapters: readonly RouteAdapter[];
  /** The last act on each; the next one waits for its end, so that no effect lands out of order. */
  readonly #acting = new Map<RouteAdapter, Promise<unknown>>();
  #warm: Guardian | null = null;
  /** Until when a hold of ours may stand; reconciling must not end it. */
  #heldUntilMs = -Infinity;
  #reconciling = new AbortController();

  constructor(adapters: readonly RouteAdapter[]) {
    const rank = ({ kind }: RouteAdapter): number => (ROUTE_KINDS[kind].pausable ? 0 : 1);
    this.#adapters = adapters.toSorted((a, b) => rank(a) - rank(b));
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
    await this.#letGo(timeoutMs, deadlineMs);
    guardian.hold({ poolers, fromEndpoint, deadlineMs, pauseTimeoutMs: timeoutMs });
    try {
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

  /** A reconciliation that is under way could RESUME what is about to be paused: it ends first. */
  async #letGo(timeoutMs: number, holdMs: number): Promise<void> {
    this.#heldUntilMs = performance.now() + holdMs;
    this.#reconciling.abort(new CancelledSignal('reconciliation'));
    this.#reconciling = new AbortController();
    const acts = this.#pausable().map((adapter) => this.#acting.get(adapter));
    await within(Promise.all(acts), timeoutMs, () =>
      fail('pooler_not_paused', { reason: 'an earlier act on it has not ended' }),
    );
  }

  resume(limits: ActLimits): Promise<RouteOutcome[]> {
    return this.#act(this.#pausable(), limits, async (adapter, signal) => {
      await adapter.resume?.({ signal });
      return adapter.probe({ signal });
    });
  }

  point(side: Side, epoch: bigint, limits: ActLimits): Promise<RouteOutcome[]> {
    return this.#act(this.#adapters, limits, async (adapter, signal) => {
      await adapter.point(side, { epoch, signal });
      return { routedTo: side, why: null };
    });
  }

  reconcile(side: Side, epoch: bigint, limits: ActLimits): Promise<RouteOutcome[]> {
    const stop = this.#reconciling.signal;
    return this.#act(this.#adapters, limits, async (adapter, signal) => {
      const reading = await adapter.probe({ signal });
      if (reading.routedTo === side) return reading;
      if (ROUTE_KINDS[adapter.kind].pausable) {
        if (performance.now() < this.#heldUntilMs) return reading;
        stop.throwIfAborted();
      }
      await adapter.point(side, { epoch, signal });
      return { routedTo: side, why: null };
    });
  }

  async probe(limits: RouteLimits): Promise<RouteState[]> {
    return Promise.all(
      this.#adapters.map(async (adapter) => {
        const sinceMs = performance.now();
        const reading = await limited(adapter, limits, (signal) => adapter.probe({ signal })).catch(
          (thrown: unknown) => ({ routedTo: 'unknown' as const, why: messageOf(thrown) }),
        );
        return {
          route: adapter.describe(),
          kind: adapter.kind,
          ...reading,
          ms: performance.now() - sinceMs,
        };
      }),
    );
  }

  describe(): string[] {
    return this.#adapters.map((adapter) => adapter.describe());
  }

  async close(): Promise<void> {
    await this.#warm?.close();
    this.#warm = null;
  }

  #act(
    adapters: readonly RouteAdapter[],
    limits: ActLimits,
    work: RouteWork,
  ): Promise<RouteOutcome[]> {
    return Promise.all(
      adapters.map(async (adapter) => {
        const outcome = await this.#actOn(adapter, limits, work);
        limits.onOutcome?.(outcome);
        return outcome;
      }),
    );
  }

  async #actOn(adapter: RouteAdapter, limits: ActLimits, work: RouteWork): Promise<RouteOutcome> {
    const sinceMs = performance.now();
    const base = { route: adapter.describe(), kind: adapter.kind };
    try {
      const { routedTo } = await limited(adapter, limits, (signal) =>
        this.#inTurn(adapter, signal, work),
      );
      return { ...base, ok: true, observed: routedTo, error: null, ms: elapsed(sinceMs) };
    } catch (thrown) {
      const { code, facts } = isAppError(thrown) ? thrown : unconfirmed(adapter, thrown);
      const observed = isReading(facts['observed']) ? facts['observed'] : 'unknown';
      return { ...base, ok: false, observed, error: { code, facts }, ms: elapsed(sinceMs) };
    }
  }

  /** An act that was given up may still be unwinding; its last effect must not follow the next one's. */
  async #inTurn(
    adapter: RouteAdapter,
    signal: AbortSignal,
    work: RouteWork,
  ): Promise<RouteReading> {
    const before = this.#acting.get(adapter);
    const turn = (async () => {
      await before;
      signal.throwIfAborted();
      return work(adapter, signal);
    })();
    this.#acting.set(
      adapter,
      turn.catch(() => undefined),
    );
    return turn;
  }

  #pausable(): RouteAdapter[] {
    return this.#adapters.filter(({ kind }) => ROUTE_KINDS[kind].pausable);
  }

  #poolers(): PoolerInstance[] {
    return this.#adapters.flatMap((adapter) => [...adapter.poolers]);
  }
}

const elapsed = (sinceMs: number): number => performance.now() - sinceMs;

function isReading(value: unknown): value is RouteReading['routedTo'] {
  return value === 'blue' || value === 'green' || value === 'held';
}

function unconfirmed(adapter: RouteAdapter, thrown: unknown) {
  const reason = isCancelled(thrown) ? 'cancelled' : messageOf(thrown);
  return fail('route_unconfirmed', { route: adapter.describe(), reason }, thrown);
}

/** Bounds a call by the caller's deadline and by that of the kind, whichever is sooner. */
function limited<T>(
  adapter: RouteAdapter,
  { signal, deadlineMs }: RouteLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limitMs = Math.min(deadlineMs, ROUTE_KINDS[adapter.kind].deadlineMs);
  const onTimeout = (): Error => new Error(`no answer within ${limitMs} ms`);
  return withDeadline({ signal, deadlineMs: limitMs, onTimeout }, work);
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
