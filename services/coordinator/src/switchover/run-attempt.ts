import { fail } from '@turnout/contracts/errors';
import { within } from '@turnout/core/waiting';
import type { Attempt } from './attempt.js';
import type { Step } from './step.js';
import { AFTER_DECISION, STEPS } from './steps.js';

/** What a step that was ended by its time may still take to notice. */
const NOTICE_MS = 2_000;

/**
 * A step that takes too long is ended by destroying the sessions it waits on: it never runs beside
 * what the loop does next.
 */
async function runStep(attempt: Attempt, step: Step): Promise<void> {
  const { id, timeoutMs } = step;
  const late = (): Error => fail('step_timed_out', { step: id, timeout_ms: timeoutMs });
  await attempt.recorder.step(id, { undo: false }, async () => {
    const timer = setTimeout(() => attempt.fail(late()), timeoutMs);
    try {
      const detail = await within(step.act(attempt), timeoutMs + NOTICE_MS, late);
      await attempt.context.failpoint(id);
      return detail;
    } catch (thrown) {
      // What the step met is only a consequence when somebody ended the attempt.
      throw attempt.failure ?? thrown;
    } finally {
      clearTimeout(timer);
    }
  });
}

async function runSteps(attempt: Attempt, steps: readonly Step[]): Promise<void> {
  try {
    for (const step of steps) {
      if (!attempt.decided) attempt.signal.throwIfAborted();
      if (step.inWindow) attempt.recorder.hush(true);
      await runStep(attempt, step);
      if (!attempt.inWindow) attempt.recorder.hush(false);
    }
  } finally {
    attempt.recorder.hush(false);
    attempt.destroySessions();
  }
}

/** A whole switch. @throws whatever ended it; nothing is undone here, and nothing of it stays open */
export function runAttempt(attempt: Attempt): Promise<void> {
  return runSteps(attempt, STEPS);
}

/** What is left of a switch that was decided. @throws whatever ended it; it may be run again */
export function finishAttempt(attempt: Attempt): Promise<void> {
  attempt.decided = true;
  return runSteps(attempt, AFTER_DECISION);
}
