/** One row of the switchover: execution, plan, undo, timings, documents and tests iterate over it. */
export interface Step {
  readonly id: string;
  /** A sentence with `{from}` and `{to}`, printed by the plan. */
  readonly does: string;
  /** What undoes it, or null when it leaves nothing behind. */
  readonly undo: string | null;
  readonly timeoutMs: number;
  /** Writes are held or refused while it runs. */
  readonly inWindow: boolean;
  /** The point of no return lies in this step: exactly one has it. */
  readonly decision?: true;
}

export const SWITCHOVER_STEPS = [
  {
    id: 'acquire',
    does: 'Take the lease with a new epoch, end the sessions of a predecessor, claim {from}, then {to}.',
    undo: 'Release the lease.',
    timeoutMs: 20_000,
    inWindow: false,
  },
  {
    id: 'gates',
    does: 'Evaluate every gate again from the databases themselves.',
    undo: null,
    timeoutMs: 10_000,
    inWindow: false,
  },
  {
    id: 'arm',
    does: 'Start the link from {to} back to {from}, see a marker go round, advance the sequences of {to}, track changed keys, arm the guards on {from} and wait for older writers.',
    undo: 'Disarm the guards on {from} and stop tracking keys.',
    timeoutMs: 60_000,
    inWindow: false,
  },
  {
    id: 'hold',
    does: 'Pause every pooler through the guardian; all must acknowledge.',
    undo: 'Resume every pooler and read it back.',
    timeoutMs: 5_000,
    inWindow: true,
  },
  {
    id: 'fence',
    does: 'In one transaction on {from}, left open: close its side row, take the turnstile alone, let the guard refuse.',
    undo: 'Roll back that transaction; it also happens by itself when this process or its connection dies.',
    timeoutMs: 10_000,
    inWindow: true,
  },
  {
    id: 'drain',
    does: 'See that no writer bypasses the guard, write a marker on {from} and see it durable on {to} with progress at it.',
    undo: null,
    timeoutMs: 5_000,
    inWindow: true,
  },
  {
    id: 'verify',
    does: 'Compare every row changed since the last proof; set the sequences of {to} to those of {from} plus a margin.',
    undo: null,
    timeoutMs: 5_000,
    inWindow: true,
  },
  {
    id: 'prepare',
    does: 'In a transaction on {to}, left open: open its side row at this epoch, let its guard pass, close the old link in its progress row.',
    undo: 'Roll back that transaction.',
    timeoutMs: 2_000,
    inWindow: true,
  },
  {
    id: 'decide',
    does: 'Journal the intent with the certificate, commit the fence on {from} and read it back (C1), commit on {to} and read it back (C2).',
    undo: null,
    timeoutMs: 10_000,
    inWindow: true,
    decision: true,
  },
  {
    id: 'route',
    does: 'Point every route at {to}, resume the poolers, read each back.',
    undo: null,
    timeoutMs: 30_000,
    inWindow: true,
  },
  {
    id: 'watch',
    does: 'See the new link opened by the stream and a canary write on {to} arrive on {from}; the old link watches {from} for leaks.',
    undo: null,
    timeoutMs: 30_000,
    inWindow: false,
  },
  {
    id: 'report',
    does: 'Store steps, certificate and timings; move the phase; release the lease.',
    undo: null,
    timeoutMs: 10_000,
    inWindow: false,
  },
] as const satisfies readonly Step[];

export type StepId = (typeof SWITCHOVER_STEPS)[number]['id'];

export const STEP_IDS: readonly StepId[] = SWITCHOVER_STEPS.map(({ id }) => id);

/** Steps that a failure in `failed` must undo, in the order of undoing: the failed one first. */
export function stepsToUndo(failed: StepId): StepId[] {
  const reached = SWITCHOVER_STEPS.slice(0, STEP_IDS.indexOf(failed) + 1);
  return reached
    .filter(({ undo }) => undo !== null)
    .map(({ id }) => id)
    .toReversed();
}
