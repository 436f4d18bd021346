import { directionFrom } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import type { PairContext } from '../context.js';

/** Before these there is no stream to hold up, and after them none is left. */
const PAUSABLE = new Set(['catching_up', 'verifying', 'ready', 'on_green']);

/** Stops or restarts the link that carries changes; the phase stays, the condition says so. */
export async function setPaused(
  { store, pair, clock }: PairContext,
  paused: boolean,
  actor: string,
): Promise<void> {
  const row = await store.pairs.get(pair.name);
  if (!row) throw fail('pair_unknown', { pair: pair.name });
  if (row.phase === 'switching') throw fail('switchover_running', { phase: row.phase });
  const direction = directionFrom(row.writableSide);
  const link = await store.links.get(pair.name, direction);
  if (!link || !PAUSABLE.has(row.phase))
    throw fail('phase_mismatch', { phase: row.phase, event: paused ? 'pause' : 'resume' });
  const desired = paused ? 'stopped' : 'streaming';
  await store.links.setDesired(pair.name, direction, desired);
  const others = row.conditions.filter(({ condition }) => condition !== 'paused');
  const since = new Date(clock.nowMs()).toISOString();
  await store.journal.transition(pair.name, {
    conditions: paused
      ? [...others, { condition: 'paused', since, reason: `asked for by ${actor}` }]
      : others,
    type: 'condition_changed',
    data: { condition: 'paused', set: paused },
    actor,
  });
}
