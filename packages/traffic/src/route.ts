import type { Side } from '@turnout/core/sides';
import type { RouteKind } from './route-kinds.js';

/** Where a route sends clients now. `unknown`: not to be asked, or its instances disagree. */
export type RoutedTo = Side | 'held' | 'unknown';

/** What a route was found to do, and why it is unknown where it is. */
export interface RouteReading {
  readonly routedTo: RoutedTo;
  readonly why: string | null;
}

/** Every call ends with this signal: sockets are destroyed and programs killed, nothing goes on behind. */
export interface CallLimit {
  readonly signal: AbortSignal;
}

/** Where to, and at which fence epoch: a route that remembers it never goes back to an older one. */
export interface PointOptions extends CallLimit {
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
  /** Ends a hold where the kind has one. @throws TRN5014 when an instance could not be read back */
  resume?(limit: CallLimit): Promise<void>;
  /** Sends clients to `side` and ends a hold. @throws TRN5014 when it could not be read back */
  point(side: Side, options: PointOptions): Promise<void>;
  /** Never throws: what cannot be asked is `unknown`, with the reason. */
  probe(limit: CallLimit): Promise<RouteReading>;
}
