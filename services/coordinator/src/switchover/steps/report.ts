import { releaseBoth } from './acquire.js';
import type { StepAction } from './step.js';

export const report: StepAction = {
  async act(run) {
    await releaseBoth(run);
    return { window_ms: run.windowMs === null ? null : Math.round(run.windowMs) };
  },
};
