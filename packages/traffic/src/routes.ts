import type { Facts } from '@turnout/core/app-error';
import type { Side } from '@turnout/core/sides';
import type { Endpoint } from '@turnout/postgres/session';
import type { RouteKind } from './route-kinds.js';
import type { RoutedTo } from './route.js';

export interface HoldRequest {
  /** The side whose row tells the guardian what to do when its caller is gone. */
  readonly from: Side;
  readonly fromEndpoint: Endpoint;
  /** Life of the hold: the guardian acts by itself afterwards. */
  readonly deadlineMs: number;
  /** Longest wait for every pooler to acknowledge. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A hold that is guarded by a process of its own. */
export interface Hold {
  /** The hold is over: the guardian exits without touching anything. */
  release(): Promise<void>;
}

/** Limits of one call over all routes. Each route has them for itself, so none waits for another. */
export interface RouteLimits {
  readonly signal?: AbortSignal | undefined;
  /** From now; a kind's own limit (`ROUTE_KINDS`) applies where it is shorter. */
  readonly deadlineMs: number;
}

export interface ActLimits extends RouteLimits {
  /** Told as each route ends, so that a caller that needs the poolers does not wait for the others. */
  readonly onOutcome?: ((outcome: RouteOutcome) => void) | undefined;
}

/** What became of one route. */
export interface RouteOutcome {
  readonly route: string;
  readonly kind: RouteKind;
  readonly ok: boolean;
  /** Where it was last seen to lead. */
  readonly observed: RoutedTo;
  readonly error: { readonly code: string; readonly facts: Facts } | null;
  readonly ms: number;
}

/** Where a route leads now; `unknown` is never taken for a side, and `why` says what stood in the way. */
export interface RouteState {
  readonly route: string;
  readonly kind: RouteKind;
  readonly routedTo: RoutedTo;
  readonly why: string | null;
  readonly ms: number;
}

/**
 * All routes of a pair. They carry traffic and no truth: every state here is derived from the sides
 * and may be derived again at any time. One that cannot be set delays only its own clients: outcomes
 * say so, and the caller repeats.
 */
export interface Routes {
  readonly count: number;
  readonly poolerCount: number;
  /**
   * Starts the guardian's process ahead of `hold`, which takes it over: loading it takes longer than
   * the rest of the window. Idempotent; without it `hold` starts one itself.
   */
  warm(): Promise<void>;
  /** Pauses every pooler through the guardian. @throws TRN5013 after resuming all again */
  hold(request: HoldRequest): Promise<Hold>;
  /** Resumes every pooler and reads it back; resuming one that is not paused is no error. */
  resume(limits: ActLimits): Promise<RouteOutcome[]>;
  /** Points every route at `side`, each by itself and all at once, poolers first; never throws. */
  point(side: Side, epoch: bigint, limits: ActLimits): Promise<RouteOutcome[]>;
  /**
   * Probes every route and points those that lead elsewhere, are held or unknown; never throws. May be
   * called at every turn of a loop: what failed is tried again after a while only, its outcome is told
   * meanwhile.
   */
  reconcile(side: Side, epoch: bigint, limits: ActLimits): Promise<RouteOutcome[]>;
  /** Where each leads now; never throws. */
  probe(limits: RouteLimits): Promise<RouteState[]>;
  /** One line a route, for the plan. */
  describe(): string[];
  close(): Promise<void>;
}
