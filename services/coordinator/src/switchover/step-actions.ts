import { acquire } from './steps/acquire.js';
import { arm } from './steps/arm.js';
import { decide } from './steps/decide.js';
import { drain } from './steps/drain.js';
import { fence } from './steps/fence.js';
import { gates } from './steps/gates.js';
import { hold } from './steps/hold.js';
import { prepare } from './steps/prepare.js';
import { report } from './steps/report.js';
import { route } from './steps/route.js';
import type { StepActions } from './steps/step.js';
import { verify } from './steps/verify.js';
import { watch } from './steps/watch.js';

/** The acting port of the step table; the plan is its other reading. */
export const STEP_ACTIONS: StepActions = {
  acquire,
  gates,
  arm,
  hold,
  fence,
  drain,
  verify,
  prepare,
  decide,
  route,
  watch,
  report,
};
