/**
 * What each kind of route is to a switch. `pausable`: it holds clients, through the guardian.
 * `gates`: a switch must not begin while it cannot be asked; only what has to be paused does that, since
 * any other route that fails delays its own clients and is repeated. `deadlineMs`: longest life of one
 * call when the caller allows more. `retryMaxMs`: what fails is tried again after 250 ms,
 * then ever later up to this; clients of a pooler wait for it, somebody's HTTP endpoint is not flooded.
 */
export const ROUTE_KINDS = {
  pgbouncer: { pausable: true, gates: true, deadlineMs: 5_000, retryMaxMs: 1_000 },
  haproxy: { pausable: false, gates: false, deadlineMs: 5_000, retryMaxMs: 2_000 },
  redis: { pausable: false, gates: false, deadlineMs: 2_000, retryMaxMs: 5_000 },
  webhook: { pausable: false, gates: false, deadlineMs: 10_000, retryMaxMs: 30_000 },
  exec: { pausable: false, gates: false, deadlineMs: 30_000, retryMaxMs: 30_000 },
} as const satisfies Record<string, RouteTraits>;

export interface RouteTraits {
  readonly pausable: boolean;
  readonly gates: boolean;
  readonly deadlineMs: number;
  readonly retryMaxMs: number;
}

export type RouteKind = keyof typeof ROUTE_KINDS;
