/**
 * What each kind of route is to a switch. `pausable`: it holds clients, through the guardian.
 * `gates`: a switch must not begin while it cannot be asked; only what has to be paused does that, since
 * any other route that fails delays its own clients and is repeated. `deadlineMs`: longest life of one
 * call when the caller allows more.
 */
export const ROUTE_KINDS = {
  pgbouncer: { pausable: true, gates: true, deadlineMs: 5_000 },
  haproxy: { pausable: false, gates: false, deadlineMs: 5_000 },
  redis: { pausable: false, gates: false, deadlineMs: 2_000 },
  webhook: { pausable: false, gates: false, deadlineMs: 10_000 },
  exec: { pausable: false, gates: false, deadlineMs: 30_000 },
} as const satisfies Record<string, RouteTraits>;

interface RouteTraits {
  readonly pausable: boolean;
  readonly gates: boolean;
  readonly deadlineMs: number;
}

export type RouteKind = keyof typeof ROUTE_KINDS;
