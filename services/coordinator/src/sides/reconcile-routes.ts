import type { Desk } from '../api/desks.js';

const ROUTED_PHASES = new Set(['verifying', 'ready', 'switching', 'on_green']);

/** Poolers may have been left paused by a process that died: before anything else they are freed. */
export async function reconcileRoutes({ context, sides }: Desk): Promise<void> {
  const row = await context.store.pairs.get(context.pair.pair);
  if (row === null || !ROUTED_PHASES.has(row.phase)) return;
  try {
    const rows = await sides.look();
    const open = rows.blue.state === 'open' ? 'blue' : rows.green.state === 'open' ? 'green' : null;
    if (open !== null) await context.routes.reconcile(open, rows[open].fenceEpoch);
  } catch (thrown) {
    context.logger.warn({ err: thrown }, 'routes could not be reconciled yet');
  }
}
