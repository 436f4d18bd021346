import type { Side } from '@turnout/core/sides';
import type { StepId } from '@turnout/machine/switchover-steps';
import type { PairContext } from '../context.js';
import type { Claimed } from '../side/claim.js';
import type { PlanFacts } from './plan-facts.js';
import type { Attempt } from './attempt.js';

/** Facts a step leaves in the report: names, counts and positions only. */
export type StepDetail = Readonly<Record<string, string | number | boolean | null>>;

/** What undoing has: fresh sessions under a fresh claim of `from`, whoever began the switch. */
export interface Undoing {
  readonly context: PairContext;
  readonly claimed: Claimed;
  readonly from: Side;
  readonly to: Side;
}

/** One row of the step table: execution, plan, undo, timings, documents and tests iterate over it. */
export interface Step {
  readonly id: StepId;
  /** A sentence with `{from}` and `{to}`, printed by the plan. */
  readonly does: string;
  /** What undoes it, or null when it leaves nothing behind. */
  readonly undoes: string | null;
  readonly timeoutMs: number;
  /** Writes are held or refused while it runs. */
  readonly inWindow: boolean;
  /** The point of no return lies in this step: exactly one has it. */
  readonly decision?: true;
  /** What it will act on, by name: sessions, poolers, sequences, tables, statements. */
  preview(facts: PlanFacts): readonly string[];
  /** Does it; may be repeated by another attempt. What it throws ends the attempt. */
  act(attempt: Attempt): Promise<StepDetail>;
  /** Run by the loop with fresh sessions, also for a predecessor that died; idempotent. */
  undo?(undoing: Undoing): Promise<void>;
}
