import { isAppError, messageOf } from '@turnout/core/app-error';
import { backoffMs } from '@turnout/core/backoff';
import type { Side } from '@turnout/core/sides';
import { isCancelled } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import { withDeadline } from './deadline.js';
import { ROUTE_KINDS, type RouteTraits } from './route-kinds.js';
import type { RouteAdapter, RouteReading } from './route.js';
import type { ActLimits, RouteLimits, RouteOutcome, RouteState } from './routes.js';

/** Does one thing to a route and answers where it leads then. */
type RouteWork = (signal: AbortSignal) => Promise<RouteReading>;

/** What could not be set to `aim`, and when it may be tried again. */
interface Failure {
  readonly aim: string;
  readonly attempts: number;
  readonly retryAtMs: number;
  readonly outcome: RouteOutcome;
}

/** How a reconciliation may act on a route. */
export interface ReconcileRules {
  /** A hold of ours stands: what is paused stays paused. */
  readonly held: () => boolean;
  /** Ends what is under way, for a hold that begins. */
  readonly stop: AbortSignal;
}

/** One route: bounds every call, keeps its acts in order, and repeats what failed ever more slowly. */
export class RouteRunner {
  readonly adapter: RouteAdapter;
  /** The last act; the next one waits for its end, so that no effect lands out of order. */
  #acting: Promise<unknown> = Promise.resolve();
  #failure: Failure | null = null;

  constructor(adapter: RouteAdapter) {
    this.adapter = adapter;
  }

  get traits(): RouteTraits {
    return ROUTE_KINDS[this.adapter.kind];
  }

  /** Resolves when nothing acts on the route any more. */
  get idle(): Promise<unknown> {
    return this.#acting;
  }

  resume(limits: ActLimits): Promise<RouteOutcome> {
    return this.#act(limits, async (signal) => {
      await this.adapter.resume?.({ signal });
      return this.adapter.probe({ signal });
    });
  }

  point(side: Side, epoch: bigint, limits: ActLimits): Promise<RouteOutcome> {
    this.#failure = null;
    return this.#act(limits, async (signal) => {
      await this.adapter.point(side, { epoch, signal });
      return { routedTo: side, why: null };
    });
  }

  /** Probes first and points only what leads elsewhere. Between two tries the last outcome is told. */
  async reconcile(
    side: Side,
    epoch: bigint,
    limits: ActLimits,
    { held, stop }: ReconcileRules,
  ): Promise<RouteOutcome> {
    const aim = `${side} ${epoch}`;
    const before = this.#failure?.aim === aim ? this.#failure : null;
    if (before !== null && performance.now() < before.retryAtMs)
      return { ...before.outcome, ms: 0 };
    const outcome = await this.#act(limits, async (signal) => {
      const reading = await this.adapter.probe({ signal });
      if (reading.routedTo === side || held()) return reading;
      await this.adapter.point(side, { epoch, signal: AbortSignal.any([signal, stop]) });
      return { routedTo: side, why: null };
    });
    this.#failure = outcome.ok ? null : this.#failed(aim, outcome, before?.attempts ?? 0);
    return outcome;
  }

  async probe(limits: RouteLimits): Promise<RouteState> {
    const sinceMs = performance.now();
    const work: RouteWork = (signal) => this.adapter.probe({ signal });
    const reading = await this.#limited(limits, work).catch((thrown: unknown): RouteReading => ({
      routedTo: 'unknown',
      why: messageOf(thrown),
    }));
    return { ...this.#name(), ...reading, ms: performance.now() - sinceMs };
  }

  #failed(aim: string, outcome: RouteOutcome, attempts: number): Failure {
    const limits = { firstMs: 250, maxMs: this.traits.retryMaxMs };
    const retryAtMs = performance.now() + backoffMs(attempts, limits);
    return { aim, attempts: attempts + 1, retryAtMs, outcome };
  }

  async #act(limits: ActLimits, work: RouteWork): Promise<RouteOutcome> {
    const sinceMs = performance.now();
    let result: Pick<RouteOutcome, 'ok' | 'observed' | 'error'>;
    try {
      const { routedTo } = await this.#limited(limits, (signal) => this.#inTurn(signal, work));
      result = { ok: true, observed: routedTo, error: null };
    } catch (thrown) {
      const { code, facts } = isAppError(thrown) ? thrown : this.#unconfirmed(thrown);
      const { observed } = facts;
      result = {
        ok: false,
        observed: isReading(observed) ? observed : 'unknown',
        error: { code, facts },
      };
    }
    const outcome = { ...this.#name(), ...result, ms: performance.now() - sinceMs };
    limits.onOutcome?.(outcome);
    return outcome;
  }

  /** An act that was given up may still be unwinding; its last effect must not follow the next one's. */
  #inTurn(signal: AbortSignal, work: RouteWork): Promise<RouteReading> {
    const before = this.#acting;
    const turn = (async () => {
      await before;
      signal.throwIfAborted();
      return work(signal);
    })();
    this.#acting = turn.catch(() => undefined);
    return turn;
  }

  /** Bounds a call by the caller's deadline and by that of the kind, whichever is sooner. */
  #limited<T>(
    { signal, deadlineMs }: RouteLimits,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limitMs = Math.min(deadlineMs, this.traits.deadlineMs);
    const onTimeout = (): Error => new Error(`no answer within ${limitMs} ms`);
    return withDeadline({ signal, deadlineMs: limitMs, onTimeout }, work);
  }

  #name() {
    return { route: this.adapter.describe(), kind: this.adapter.kind };
  }

  #unconfirmed(thrown: unknown) {
    const reason = isCancelled(thrown) ? 'cancelled' : messageOf(thrown);
    return fail('route_unconfirmed', { route: this.adapter.describe(), reason }, thrown);
  }
}

function isReading(value: unknown): value is RouteReading['routedTo'] {
  return value === 'blue' || value === 'green' || value === 'held';
}
