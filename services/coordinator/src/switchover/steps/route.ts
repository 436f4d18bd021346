import type { StepAction } from './step.js';

export const route: StepAction = {
  async act(run) {
    const { routes } = run.deps;
    const epoch = run.fenceEpoch ?? run.acting().epoch;
    const outcomes = await routes.point(run.to, epoch, { deadlineMs: 5_000 });
    run.closeWindow();
    await run.guardian?.release();
    run.guardian = null;
    const unfinished = outcomes.filter(({ ok }) => !ok).map(({ route: name }) => name);
    return {
      routes: routes.count,
      unfinished: unfinished.join(', ') || null,
      window_ms: Math.round(run.windowMs ?? 0),
    };
  },
};
