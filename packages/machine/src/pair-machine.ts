import type { PairEvent, Phase } from './phases.js';

export interface Edge {
  readonly to: Phase;
  /** The sentence that logs, journal and documents print. */
  readonly why: string;
}

const ABORT = {
  to: 'aborting',
  why: 'The operator gave up before any switch; what was installed is removed.',
} as const;

/** The sides win over the journal, which may have been restored from a backup. */
const ADOPT_GREEN = {
  to: 'on_green',
  why: 'The sides say that green is open; the journal follows them.',
} as const;
const ADOPT_BLUE = {
  to: 'verifying',
  why: 'The sides say that blue is open; the journal follows them.',
} as const;
const GO_ON = { why: 'The operator asked to go on after an error.' } as const;

/**
 * Every legal move of a pair. A missing cell is a rejected event (TRN5003), recorded and never
 * taken for a no-op. An edge back to its own phase records news that changes nothing.
 */
export const PAIR_MACHINE = {
  draft: {
    start_requested: { to: 'preflight', why: 'The operator asked to begin.' },
    abort_requested: ABORT,
    adopted_on_blue: ADOPT_BLUE,
    adopted_on_green: ADOPT_GREEN,
  },
  preflight: {
    preflight_passed: { to: 'copying', why: 'Both sides meet every critical requirement.' },
    preflight_failed: { to: 'draft', why: 'A requirement is not met; nothing was changed.' },
    abort_requested: ABORT,
  },
  copying: {
    start_requested: { to: 'copying', ...GO_ON },
    copy_finished: { to: 'catching_up', why: 'The snapshot is on the target.' },
    abort_requested: ABORT,
  },
  catching_up: {
    start_requested: { to: 'catching_up', ...GO_ON },
    caught_up: {
      to: 'verifying',
      why: 'Lag is within its limit, so comparing rows means something.',
    },
    abort_requested: ABORT,
  },
  verifying: {
    check_equal: { to: 'ready', why: 'Every row was compared and none differs.' },
    check_different: { to: 'verifying', why: 'Rows differ; the gate stays closed until resolved.' },
    abort_requested: ABORT,
    adopted_on_green: ADOPT_GREEN,
  },
  ready: {
    switchover_requested: { to: 'switching', why: 'All gates are open.' },
    check_equal: { to: 'ready', why: 'Every row was compared and none differs.' },
    check_different: { to: 'verifying', why: 'Rows differ: the pair is not ready any more.' },
    abort_requested: ABORT,
    adopted_on_green: ADOPT_GREEN,
  },
  switching: {
    committed_to_green: { to: 'on_green', why: 'Green is open and blue is fenced.' },
    committed_to_blue: { to: 'ready', why: 'Blue is open again and green is fenced.' },
    undone_on_blue: { to: 'ready', why: 'The switch was undone; blue never closed durably.' },
    undone_on_green: {
      to: 'on_green',
      why: 'The rollback was undone; green never closed durably.',
    },
    adopted_on_blue: ADOPT_BLUE,
    adopted_on_green: ADOPT_GREEN,
  },
  on_green: {
    switchover_requested: { to: 'switching', why: 'All gates are open for the way back.' },
    check_equal: { to: 'on_green', why: 'Every row was compared and none differs.' },
    check_different: { to: 'on_green', why: 'Rows differ; the way back is closed until resolved.' },
    complete_requested: { to: 'completing', why: 'The soak is over; blue is given up.' },
    adopted_on_blue: ADOPT_BLUE,
  },
  completing: {
    cleaned_up: { to: 'completed', why: 'Nothing of Turnout is left on either side.' },
  },
  completed: {},
  aborting: {
    cleaned_up: { to: 'aborted', why: 'Nothing of Turnout is left on either side.' },
  },
  aborted: {
    start_requested: { to: 'preflight', why: 'The operator begins anew.' },
  },
} as const satisfies Record<Phase, Partial<Record<PairEvent, Edge>>>;

/** The edge for `event` in `phase`, or null: the event is rejected there. */
export function edgeFor(phase: Phase, event: PairEvent): Edge | null {
  const edges: Partial<Record<PairEvent, Edge>> = PAIR_MACHINE[phase];
  return edges[event] ?? null;
}

/** Events that `phase` accepts, in the order of the table. */
export function eventsAccepted(phase: Phase): PairEvent[] {
  return Object.keys(PAIR_MACHINE[phase]) as PairEvent[];
}
