import type { StepAction } from './step.js';

export const gates: StepAction = {
  async act(run) {
    await run.deps.requireGates(run.from);
    return { gates: 'open' };
  },
};
