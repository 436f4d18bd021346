import { ERRORS } from '@turnout/contracts/errors';
import type { PairContext } from '../context.js';
import type { Wait } from './wait.js';
import { removeObjects } from './cleanup.js';
import { move } from './move.js';
import { DONE, type Leading } from './stage.js';

/** Between two tries: a server that is down is not asked all the time. */
const RETRY_MS = 5_000;
const tried = new WeakMap<PairContext, { atMs: number; left: readonly string[] }>();

/**
 * Cleanup is a state: it is driven until each object was read back as gone, and an unreachable side
 * leaves the pair in it. Links are wished stopped by then; one that still runs lets its slot go.
 */
export async function clean({ context, row }: Leading): Promise<Wait | typeof DONE> {
  const { clock } = context;
  const last = tried.get(context);
  const due = !last || clock.monotonicMs() - last.atMs >= RETRY_MS;
  const left = due ? await cleanNow(context, row.phase) : last.left;
  if (left.length === 0) return DONE;
  return {
    for: `both sides to be clean: ${left.join('; ')}`,
    holder: null,
    remedy: ERRORS.cleanup_unfinished.remedy.replace('PAIR', row.pair),
  };
}

/** One try, whatever the last one was; moves the phase when nothing is left. */
export async function cleanNow(context: PairContext, phase: string): Promise<readonly string[]> {
  const { store, pair, clock } = context;
  const left = await removeObjects(pair, { retired: phase === 'completing' ? 'blue' : null });
  const before = tried.get(context)?.left.join();
  tried.set(context, { atMs: clock.monotonicMs(), left });
  if (left.length > 0) {
    if (left.join() !== before) {
      const entry = { type: 'cleanup_unfinished', data: { left }, actor: 'coordinator' };
      await store.journal.append(pair.name, { ...entry, accepted: true });
    }
    return left;
  }
  for (const side of ['blue', 'green'] as const) {
    await store.tracking.setDesired(pair.name, side, false);
  }
  await move(store, pair.name, { event: 'cleaned_up', actor: 'coordinator', data: { left: 0 } });
  await store.notes.forget(pair.name);
  return [];
}
