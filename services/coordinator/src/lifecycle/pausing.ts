import { fail } from '@turnout/contracts/errors';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import { lookingAgain } from './move.js';
import type { PairContext } from '../context.js';

/**
 * Says whether the link that carries changes is to rest. Only the condition is written: what the links
 * are to do follows from it, in the loop, as often as needed.
 * @throws TRN5001, TRN5003, TRN5004
 */
export function setPaused(context: PairContext, paused: boolean, actor: string): Promise<void> {
  return lookingAgain(() => setOnce(context, paused, actor));
}

async function setOnce(
  { store, pair, clock }: PairContext,
  paused: boolean,
  actor: string,
): Promise<void> {
  const row = await store.pairs.get(pair.name);
  if (!row) throw fail('pair_unknown', { pair: pair.name });
  if (row.phase === 'switching') throw fail('switchover_running', { phase: row.phase });
  if (!PHASE_TRAITS[row.phase as Phase].pausable) {
    throw fail('phase_mismatch', { phase: row.phase, event: paused ? 'pause' : 'resume' });
  }
  const others = row.conditions.filter(({ condition }) => condition !== 'paused');
  const since = new Date(clock.nowMs()).toISOString();
  await store.journal.transition(pair.name, {
    expectRevision: row.revision,
    conditions: paused
      ? [...others, { condition: 'paused', since, reason: `asked for by ${actor}` }]
      : others,
    type: 'condition_changed',
    data: { condition: 'paused', set: paused },
    actor,
  });
}
