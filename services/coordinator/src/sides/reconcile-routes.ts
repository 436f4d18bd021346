import type { Side } from '@turnout/core/sides';
import type { Desk } from '../api/desks.js';

const ROUTED_PHASES = new Set(['verifying', 'ready', 'switching', 'on_green']);

/** Poolers may have been left paused by a process that died: before anything else they are freed. */
export async function reconcileRoutes({ context, sides }: Desk): Promise<void> {
  const row = await context.store.pairs.get(context.pair.name);
  if (row === null || !ROUTED_PHASES.has(row.phase)) return;
  try {
    const rows = await sides.look();
    const open = rows.blue.state === 'open' ? 'blue' : rows.green.state === 'open' ? 'green' : null;
    if (open !== null) await context.routes.reconcile(open, rows[open].fenceEpoch);
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
    await context.routes.reconcile(side, epoch).catch((thrown: unknown) => {
      context.logger.warn({ err: thrown }, 'a route does not follow');
    });
  };
}
