import type { StepAction } from './step.js';

export const route: StepAction = {
  async act(run) {
    const { routes } = run.deps;
    await routes.point(run.to, run.fenceEpoch ?? run.acting().epoch);
    run.closeWindow();
    await run.guardian?.release();
    run.guardian = null;
    return { routes: routes.count, window_ms: Math.round(run.windowMs ?? 0) };
  },
};
