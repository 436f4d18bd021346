import { isError } from '@turnout/contracts/errors';
import { isCancelled, pause } from '@turnout/core/waiting';
import type { PairContext } from '../context.js';
import { move } from './move.js';

const POLL_MS = 200;

/** Tells the machine how the latest full check ended, once; only a finished one is news. */
export async function followChecks(context: PairContext, signal: AbortSignal): Promise<void> {
  const { store, pair, logger } = context;
  let told: string | null = (await lastFinished(context))?.id ?? null;
  while (!signal.aborted) {
    try {
      const check = await lastFinished(context);
      if (check !== null && check.id !== told) {
        told = check.id;
        await store.journal.append(pair.name, {
          type: 'check.finished',
          data: { check: check.id, outcome: check.outcome, differences: check.differences },
          actor: 'checker',
          accepted: true,
        });
        const event = check.outcome === 'equal' ? 'check_equal' : 'check_different';
        if (check.outcome !== 'could_not_verify') {
          await move(store, pair.name, {
            event,
            actor: 'checker',
            data: { check: check.id, differences: check.differences },
          });
        }
      }
    } catch (thrown) {
      // A check that ends while the pair switches has no edge: recorded by `move`, and no failure.
      const rejected = isError(thrown, 'phase_mismatch');
      if (!rejected) logger.warn({ pair: pair.name, err: thrown }, 'check could not be followed');
    }
    await pause(POLL_MS, signal).catch((thrown: unknown) => {
      if (!isCancelled(thrown)) throw thrown;
    });
  }
}

async function lastFinished({
  store,
  pair,
}: PairContext): Promise<{ id: string; outcome: string; differences: number } | null> {
  const check = await store.checks.last(pair.name, 'full');
  if (!check || check.outcome === null || check.outcome === 'running') return null;
  return { id: check.id, outcome: check.outcome, differences: check.differences };
}
