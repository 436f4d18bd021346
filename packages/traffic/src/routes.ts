import type { Side } from '@turnout/core/sides';
import type { Endpoint } from '@turnout/postgres/session';

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

/** Where a route leads now; `unknown` is never taken for a side. */
export interface RouteState {
  readonly route: string;
  readonly leads: Side | 'held' | 'unknown';
}

/**
 * All routes of a pair. They carry traffic and no truth: every state here is derived from the sides
 * and may be derived again at any time.
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
  resume(): Promise<void>;
  /** Points every route at `side`, resumes, reads each back. @throws TRN5014 */
  point(side: Side, epoch: bigint): Promise<void>;
  /** Makes every route agree with the sides; idempotent, called at start and permanently. */
  reconcile(side: Side, epoch: bigint): Promise<void>;
  reachable(): Promise<boolean>;
  probe(): Promise<RouteState[]>;
  /** One line a route, for the plan. */
  describe(): string[];
  close(): Promise<void>;
}
