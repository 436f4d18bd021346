import type { StepId } from '@turnout/machine/switchover-steps';
import type { Run } from '../run.js';

/** Facts a step leaves in the report: names, counts and positions only. */
export type StepDetail = Readonly<Record<string, string | number | boolean | null>>;

/** What one row of the step table does, and how it is undone. Both may be repeated. */
export interface StepAction {
  act(run: Run): Promise<StepDetail>;
  undo?(run: Run): Promise<void>;
}

export type StepActions = Readonly<Record<StepId, StepAction>>;
