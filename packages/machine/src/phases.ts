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
  'completing',
  'completed',
  'aborting',
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
  'cleaned_up',
  'adopted_on_blue',
  'adopted_on_green',
] as const;
export type PairEvent = (typeof PAIR_EVENTS)[number];

/** What is true of a pair in a phase; whoever asks "may this be done now" asks here. */
export interface PhaseTraits {
  /** Objects of Turnout are expected on both sides, `turnout.side` among them. */
  readonly installed: boolean;
  /** Routes lead to the open side. */
  readonly routed: boolean;
  /** Gates mean something: there is a link to measure. */
  readonly gated: boolean;
  /** A check may be asked for. */
  readonly checked: boolean;
  /** The link that carries changes may be stopped for a while. */
  readonly pausable: boolean;
  /** The checker follows changed keys. */
  readonly tracked: boolean;
  /** What the forward link is to do; null leaves it as it is. */
  readonly forward: 'stopped' | 'copying' | 'streaming' | null;
}

const OUTSIDE: PhaseTraits = {
  installed: false,
  routed: false,
  gated: false,
  checked: false,
  pausable: false,
  tracked: false,
  forward: 'stopped',
};
const STREAMING: PhaseTraits = {
  installed: true,
  routed: true,
  gated: true,
  checked: true,
  pausable: true,
  tracked: true,
  forward: 'streaming',
};

export const PHASE_TRAITS: Readonly<Record<Phase, PhaseTraits>> = {
  draft: OUTSIDE,
  preflight: OUTSIDE,
  copying: { ...OUTSIDE, forward: 'copying' },
  catching_up: { ...STREAMING, routed: false, gated: false, checked: false },
  verifying: STREAMING,
  ready: STREAMING,
  switching: { ...STREAMING, gated: false, checked: false, pausable: false },
  on_green: STREAMING,
  completing: { ...OUTSIDE, routed: true },
  completed: OUTSIDE,
  aborting: OUTSIDE,
  aborted: OUTSIDE,
};
