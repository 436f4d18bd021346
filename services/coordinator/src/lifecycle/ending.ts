import { fail } from '@turnout/contracts/errors';
import { formatMs } from '@turnout/core/quantities';
import { otherSide, SIDES, type Side } from '@turnout/core/sides';
import type { PairContext } from '../context.js';
import type { SideObservation } from '../side/observation.js';
import type { SideProbe } from '../side/side-probe.js';
import { move } from './move.js';

/** The two ends of a pair: the event, where the loop cleans up, and where it is over. */
export const ENDS = {
  abort: { event: 'abort_requested', final: 'aborted', keeps: 'blue' },
  complete: { event: 'complete_requested', final: 'completed', keeps: 'green' },
} as const;
export type EndVerb = keyof typeof ENDS;

export interface Ending {
  readonly context: PairContext;
  readonly probes: Readonly<Record<Side, SideProbe>>;
}

function stateOf(side: SideObservation): 'open' | 'closed' | 'absent' | 'silent' {
  if (!side.reachable) return 'silent';
  return side.row?.state ?? 'absent';
}

/**
 * Lets a pair end, reading both sides first and obeying them, not the journal: the side that is kept
 * takes the writes, the one that is given up does not. Removing is the loop's.
 * @throws TRN5003, TRN5005 when the sides say otherwise, TRN5002 before the soak is over, TRN5022
 */
export async function admitEnd(ending: Ending, verb: EndVerb, actor: string): Promise<void> {
  const { context, probes } = ending;
  const { event, keeps } = ENDS[verb];
  const seen = await Promise.all(SIDES.map((side) => probes[side].inspectAfresh()));
  const sides = { blue: seen[0]!, green: seen[1]! };
  const kept = stateOf(sides[keeps]);
  const given = stateOf(sides[otherSide(keeps)]);
  const mayEnd =
    verb === 'complete'
      ? kept === 'open' && given === 'closed'
      : kept !== 'closed' && given !== 'open';
  if (!mayEnd) {
    throw fail('expectation_failed', { verb, [keeps]: kept, [otherSide(keeps)]: given });
  }
  if (verb === 'complete') await requireSoaked(context, seen);
  // A pause or an error ends with the life it stood in: the next start would rest without a word.
  await move(context.store, context.pair.name, { event, actor, conditions: [] });
}

async function requireSoaked(
  { store, pair, clock }: PairContext,
  seen: readonly SideObservation[],
): Promise<void> {
  const last = await store.switchovers.last(pair.name);
  const switchedMs = last?.finishedAt ? Date.parse(last.finishedAt) : clock.nowMs();
  const soakedMs = clock.nowMs() - switchedMs;
  if (soakedMs < pair.soak.minMs) {
    const gates = `soak: ${formatMs(soakedMs)}, needs ${formatMs(pair.soak.minMs)}`;
    throw fail('gate_closed', { gates });
  }
  const leaks = seen.map((side) => (side.reachable ? side.openLeaks : null));
  if (leaks.some((count) => count === null)) throw fail('gate_closed', { gates: 'leaks: unknown' });
  const open = leaks.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  if (open > 0) throw fail('leaks_open', { leaks: open });
}
