import { SIDES, otherSide, type Side } from '@turnout/core/sides';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import type { PairContext } from '../context.js';
import { move } from '../lifecycle/move.js';
import type { Recorder } from './recorder.js';

export interface Ending {
  readonly id: string;
  readonly to: Side;
  readonly actor: string;
  readonly outcome: 'committed' | 'undone';
  readonly reason: string | null;
  readonly windowMs: number | null;
  readonly certificate: Readonly<Record<string, unknown>> | null;
}

/**
 * Writes down what became of a switch. The phase first and the outcome last: who reads an outcome may
 * ask for the next thing at once and finds everything else in place. Idempotent: a predecessor may have
 * come half as far.
 * @throws TRN5015 when another runs it by now
 */
export async function recordOutcome(
  context: PairContext,
  recorder: Recorder,
  ending: Ending,
): Promise<void> {
  const { store, pair, metrics, instanceId: holder } = context;
  const { id, to, actor, outcome, reason, windowMs, certificate } = ending;
  const side = outcome === 'committed' ? to : otherSide(to);
  // First, for each step told moves the revision that the phase is moved at.
  recorder.hush(false);
  await recorder.write();
  const before = await store.pairs.get(pair.name);
  if (before?.phase === 'switching') {
    await move(store, pair.name, {
      event: `${outcome === 'committed' ? 'committed_to' : 'undone_on'}_${side}`,
      actor,
      writableSide: side,
      data: { switchover: id, reason, window_ms: windowMs },
      runner: { switchover: id, holder },
    });
  }
  // After the phase: the checker drops what is neither wished for nor on the writable side.
  if (!before || PHASE_TRAITS[before.phase as Phase].tracked) {
    for (const each of SIDES) await store.tracking.setDesired(pair.name, each, false);
  }
  const row = {
    outcome,
    ...(reason === null ? {} : { reason }),
    ...(windowMs === null || outcome !== 'committed' ? {} : { windowMs }),
    ...(certificate === null ? {} : { certificate }),
  };
  await store.switchovers.update(id, row, { holder });
  metrics.count('switchovers_total', { outcome });
}
