import { isError } from '@turnout/contracts/errors';
import type { PairContext } from '../context.js';
import { move } from './move.js';

/**
 * Tells the machine how the latest full check ended, once. The journal says which was told last, so a
 * successor tells none again.
 */
export class CheckFollower {
  #told: string | null | undefined;

  async follow(context: PairContext): Promise<void> {
    const { store, pair } = context;
    const check = await store.checks.last(pair.name, 'full');
    this.#told ??= await lastTold(context);
    if (!check || check.outcome === null || check.outcome === 'running') return;
    if (check.id === this.#told) return;
    await store.journal.append(pair.name, {
      type: 'check.finished',
      data: { check: check.id, outcome: check.outcome, differences: check.differences },
      actor: 'checker',
      accepted: true,
    });
    this.#told = check.id;
    if (check.outcome === 'could_not_verify') return;
    const event = check.outcome === 'equal' ? 'check_equal' : 'check_different';
    const data = { check: check.id, differences: check.differences };
    await move(store, pair.name, { event, actor: 'checker', data }).catch((thrown: unknown) => {
      // A check that ends while the pair switches has no edge: `move` has recorded it.
      if (!isError(thrown, 'phase_mismatch')) throw thrown;
    });
  }
}

const PAGE = 500;

/** Id of the check whose end stands in the journal; null when none does. */
async function lastTold({ store, pair }: PairContext): Promise<string | null> {
  const row = await store.pairs.get(pair.name);
  let told: string | null = null;
  for (let after = Math.max(0, (row?.revision ?? 0) - 10 * PAGE); ;) {
    const entries = await store.journal.read(pair.name, { afterRevision: after, limit: PAGE });
    for (const { revision, type, data } of entries) {
      after = revision;
      if (type === 'check.finished') told = String(data['check']);
    }
    if (entries.length < PAGE) return told;
  }
}
