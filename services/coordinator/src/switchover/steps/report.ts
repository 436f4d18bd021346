import { releaseBoth } from './acquire.js';
import type { StepAction } from './step.js';

export const report: StepAction = {
  async act(run) {
    const { store, pair } = run.deps;
    // Keys go on being tracked on the side that is writable now; the fenced one changes no more.
    await store.tracking.setDesired(pair.pair, run.from, false);
    await releaseBoth(run);
    return { window_ms: run.windowMs === null ? null : Math.round(run.windowMs) };
  },
};
