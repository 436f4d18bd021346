import type { Side } from '@turnout/core/sides';

export type RouteKind = 'pgbouncer' | 'redis' | 'haproxy' | 'webhook' | 'exec';

/** Where a route sends clients now. `unknown`: not to be asked, or its instances disagree. */
export type RouteLead = Side | 'held' | 'unknown';

export interface PauseOptions {
  /** Limit for every instance; they are paused in parallel. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Where to, and at which fence epoch: a route that remembers it never goes back to an older one. */
export interface PointOptions {
  readonly epoch: bigint;
}

/** A pooler whose clients can be held, for the guardian. */
export interface PoolerInstance {
  /** How it is named in reports, without secrets. */
  readonly name: string;
  readonly adminUrl: string;
  readonly database: string;
}

/**
 * One way by which clients reach the writable side. Its state is derived from the sides and may be
 * repeated at any time; every effect is read back before it counts.
 */
export interface RouteAdapter {
  readonly kind: RouteKind;
  /** Every process that must follow; a route counts as switched when all have. */
  readonly instances: readonly string[];
  /** Poolers that can hold clients; empty for routes that cannot. */
  readonly poolers: readonly PoolerInstance[];
  describe(): string;
  /**
   * Holds new work and waits for transactions in flight, on every instance.
   * @throws TRN5013 after everything was resumed
   */
  pause?(options: PauseOptions): Promise<void>;
  /** @throws TRN5014 when an instance could not be read back as resumed */
  resume?(): Promise<void>;
  /** Sends clients to `side` and ends a hold. @throws TRN5014 when it could not be read back */
  point(side: Side, options: PointOptions): Promise<void>;
  /** Never throws: what cannot be asked is `unknown`. */
  probe(): Promise<RouteLead>;
  close(): Promise<void>;
}
