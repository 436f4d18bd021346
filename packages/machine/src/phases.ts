/** Where a pair stands. `on_green` is the soak: green takes the writes and blue follows. */
export const PHASES = [
  'draft',
  'preflight',
  'copying',
  'catching_up',
  'verifying',
  'ready',
  'switching',
  'on_green',
  'completed',
  'aborted',
] as const;
export type Phase = (typeof PHASES)[number];

/** Flags beside the phase; they never move a pair by themselves. */
export const CONDITIONS = ['paused', 'throttled', 'errored'] as const;
export type Condition = (typeof CONDITIONS)[number];

/** Everything that may happen to a pair. */
export const PAIR_EVENTS = [
  'start_requested',
  'preflight_passed',
  'preflight_failed',
  'copy_finished',
  'caught_up',
  'check_equal',
  'check_different',
  'switchover_requested',
  'committed_to_green',
  'committed_to_blue',
  'undone_on_blue',
  'undone_on_green',
  'complete_requested',
  'abort_requested',
] as const;
export type PairEvent = (typeof PAIR_EVENTS)[number];
