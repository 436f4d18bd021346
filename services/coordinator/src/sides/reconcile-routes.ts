import type { Side } from '@turnout/core/sides';
import type { PairContext } from '../context.js';
import type { Desk } from '../api/desks.js';

const ROUTES_DEADLINE_MS = 10_000;

/** Makes the routes agree with the open side; one that does not follow is told and tried again. */
export async function followSide(
  { routes, logger, pair }: PairContext,
  side: Side,
  epoch: bigint,
  signal?: AbortSignal,
): Promise<void> {
  const outcomes = await routes.reconcile(side, epoch, { signal, deadlineMs: ROUTES_DEADLINE_MS });
  for (const { route, ok, error } of outcomes) {
    if (!ok) logger.warn({ pair: pair.name, route, error }, 'a route does not follow');
  }
}

const ROUTED_PHASES = new Set(['verifying', 'ready', 'switching', 'on_green']);

/** Poolers may have been left paused by a process that died: before anything else they are freed. */
export async function reconcileRoutes({ context, sides }: Desk): Promise<void> {
  const row = await context.store.pairs.get(context.pair.name);
  if (row === null || !ROUTED_PHASES.has(row.phase)) return;
  try {
    const rows = await sides.look();
    const open = rows.blue.state === 'open' ? 'blue' : rows.green.state === 'open' ? 'green' : null;
    if (open !== null) await followSide(context, open, rows[open].fenceEpoch);
  } catch (thrown) {
    context.logger.warn({ err: thrown }, 'routes could not be reconciled yet');
  }
}

const KEEP_INTERVAL_MS = 10_000;

/**
 * Routes are derived from the sides for ever, not in one step only: a pooler that came back with an
 * old file is set right. A switch that runs has its routes in its own hands.
 */
export function keepRoutes({
  context,
  dispatcher,
}: Desk): (side: Side, epoch: bigint) => Promise<void> {
  let keptMs = -Infinity;
  return async (side, epoch) => {
    const nowMs = context.clock.monotonicMs();
    if (!dispatcher.idle || context.routes.count === 0 || nowMs - keptMs < KEEP_INTERVAL_MS) return;
    const row = await context.store.pairs.get(context.pair.name);
    if (row === null || row.phase === 'switching' || !ROUTED_PHASES.has(row.phase)) return;
    keptMs = nowMs;
    await followSide(context, side, epoch);
  };
}
