import { CONDITIONS, PHASES } from '@turnout/machine/phases';
import { isCancelled, pause } from '@turnout/core/waiting';
import type { PairContext } from './context.js';

const INTERVAL_MS = 2_000;

/** State sets are 1 or 0 over the closed set, so that a query never has to guess what is missing. */
export async function publishPairMetrics(
  { store, pair, metrics }: PairContext,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const row = await store.pairs.get(pair.name).catch(() => null);
    if (row) {
      for (const phase of PHASES) {
        metrics.set('pair_phase', { pair: pair.name, phase }, row.phase === phase ? 1 : 0);
      }
      for (const condition of CONDITIONS) {
        const set = row.conditions.some((each) => each.condition === condition);
        metrics.set('pair_condition', { pair: pair.name, condition }, set ? 1 : 0);
      }
    }
    await pause(INTERVAL_MS, signal).catch((thrown: unknown) => {
      if (!isCancelled(thrown)) throw thrown;
    });
  }
}
