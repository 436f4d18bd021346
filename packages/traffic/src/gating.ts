import type { RouteState } from './routes.js';
import { ROUTE_KINDS, type RouteKind } from './route-kinds.js';

/**
 * Those of `routes` that a switch may not begin without: what has to be paused. Whatever the others say
 * closes no gate.
 */
export function gating<T extends { readonly kind: RouteKind }>(routes: readonly T[]): T[] {
  return routes.filter(({ kind }) => ROUTE_KINDS[kind].gates);
}

/** The gating routes that cannot be asked, with the reason; a gate over them is closed. */
export function silentGating(states: readonly RouteState[]): string[] {
  return gating(states)
    .filter(({ routedTo }) => routedTo === 'unknown')
    .map(({ route, why }) => (why === null ? route : `${route}: ${why}`));
}
