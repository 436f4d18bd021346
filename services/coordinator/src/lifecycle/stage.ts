import type { Side } from '@turnout/core/sides';
import type { HeldLease } from '@turnout/store/held-lease';
import type { PairRow } from '@turnout/store/pairs';
import type { PairContext } from '../context.js';
import type { GateKeeper } from '../gates/gate-keeper.js';
import type { Wait } from './wait.js';
import type { SideObservation } from '../side/observation.js';

/** What whoever leads a pair has in hand in one round of the loop. */
export interface Leading {
  readonly context: PairContext;
  readonly gates: GateKeeper;
  readonly lease: HeldLease;
  readonly row: PairRow;
  readonly sides: Readonly<Record<Side, SideObservation>>;
}

/** Something was done: the loop looks again at once. */
export const DONE = 'done';

/**
 * The part of a phase that is done for the pair, begun anew in every round: it does what can be done
 * now, or says what it waits for. Null: nothing to do and nothing to wait for.
 */
export type Stage = (leading: Leading) => Promise<Wait | typeof DONE | null>;
