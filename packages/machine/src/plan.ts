import { otherSide, type Side } from '@turnout/core/sides';
import { SWITCHOVER_STEPS, type StepId } from './switchover-steps.js';

export interface PlannedStep {
  readonly id: StepId;
  readonly does: string;
  readonly undo: string | null;
  readonly in_window: boolean;
  readonly decision: boolean;
  readonly timeout_ms: number;
  /** What this step will act on, read from the databases: tables, sequences, routes, SQL. */
  readonly detail: readonly string[];
  readonly estimate_ms: number | null;
}

/** What a dry run finds out instead of acting; one answer a step. */
export interface PlanningPort {
  detail(step: StepId): readonly string[];
  estimateMs(step: StepId): number | null;
}

/** The steps of a switch in words. Execution walks the same table, so order cannot drift. */
export function planSteps(to: Side, port: PlanningPort): PlannedStep[] {
  const say = (sentence: string): string =>
    sentence.replaceAll('{from}', otherSide(to)).replaceAll('{to}', to);
  return SWITCHOVER_STEPS.map((step) => ({
    id: step.id,
    does: say(step.does),
    undo: step.undo === null ? null : say(step.undo),
    in_window: step.inWindow,
    decision: 'decision' in step,
    timeout_ms: step.timeoutMs,
    detail: port.detail(step.id),
    estimate_ms: port.estimateMs(step.id),
  }));
}
