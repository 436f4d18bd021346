import type { StepAction } from './step.js';

export const hold: StepAction = {
  async act(run) {
    run.openWindow();
    const { routes, pair } = run.deps;
    run.guardian = await routes.hold({
      from: run.from,
      fromEndpoint: pair[run.from],
      deadlineMs: pair.window.maxMs,
      timeoutMs: Math.min(2_000, pair.window.maxMs),
      signal: run.abort.signal,
    });
    return { poolers: routes.poolerCount };
  },
  async undo(run) {
    await run.deps.routes.resume({ deadlineMs: 5_000 });
    await run.guardian?.release();
    run.guardian = null;
  },
};
