import { fail, isError } from '@turnout/contracts/errors';
import { edgeFor, eventsAccepted } from '@turnout/machine/pair-machine';
import type { PairEvent, Phase } from '@turnout/machine/phases';
import type { Side } from '@turnout/core/sides';
import type { Condition, PairRow } from '@turnout/store/pairs';
import type { Runner } from '@turnout/store/journal';
import type { Store } from '@turnout/store/store';

export interface Move {
  readonly event: PairEvent;
  readonly actor: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly writableSide?: Side;
  readonly expectRevision?: number;
  /** What stands beside the phase from now on; as it was unless given. */
  readonly conditions?: readonly Condition[];
  /** Only while this one runs the switch. */
  readonly runner?: Runner;
}

/** Of two movers one is told to look again; who expects nothing of the revision looks by itself. */
const TRIES = 5;

/**
 * Moves a pair along an edge of the machine, or records why not. The revision that was read is
 * expected, so nothing that came between reading and moving is lost.
 * @throws TRN5001, TRN5003, TRN5005 when the caller expected another revision
 */
export function move(store: Store, pair: string, request: Move): Promise<PairRow> {
  const once = (): Promise<PairRow> => moveOnce(store, pair, request);
  return request.expectRevision === undefined ? lookingAgain(once) : once();
}

/** Whoever named no revision of their own is not told of one that came between reading and writing. */
export async function lookingAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (thrown) {
      if (tries === TRIES || !isError(thrown, 'expectation_failed')) throw thrown;
    }
  }
}

async function moveOnce(store: Store, pair: string, request: Move): Promise<PairRow> {
  const row = await store.pairs.get(pair);
  if (!row) throw fail('pair_unknown', { pair });
  const phase = row.phase as Phase;
  const edge = edgeFor(phase, request.event);
  if (!edge) {
    await store.journal.append(pair, {
      type: 'rejected',
      data: { event: request.event, phase },
      actor: request.actor,
      accepted: false,
    });
    throw fail('phase_mismatch', {
      phase,
      event: request.event,
      accepted: eventsAccepted(phase).join(' '),
    });
  }
  return store.journal.transition(pair, {
    expectRevision: request.expectRevision ?? row.revision,
    phase: edge.to,
    type: 'phase_changed',
    data: { event: request.event, from: phase, to: edge.to, why: edge.why, ...request.data },
    actor: request.actor,
    ...(request.writableSide ? { writableSide: request.writableSide } : {}),
    ...(request.conditions ? { conditions: request.conditions } : {}),
    runner: request.runner,
  });
}
