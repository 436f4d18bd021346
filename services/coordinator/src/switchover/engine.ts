import { fail } from '@turnout/contracts/errors';
import { backoffMs } from '@turnout/core/backoff';
import { pause, within } from '@turnout/core/waiting';
import {
  stepsToUndo,
  SWITCHOVER_STEPS,
  type Step,
  type StepId,
} from '@turnout/machine/switchover-steps';
import { makeCertificate } from './certificate.js';
import { Recorder, reasonOf } from './recorder.js';
import type { Run } from './run.js';
import { isSuperseded } from './superseded.js';
import { releaseBoth } from './steps/acquire.js';
import { settleUntilKnown } from './settle.js';
import { STEP_ACTIONS } from './step-actions.js';
import { UnknownOutcome } from './unknown-outcome.js';

/** `superseded` is nobody's outcome: the successor finishes the switch and records it. */
export type Outcome = 'committed' | 'undone' | 'needs_operator' | 'superseded';

export interface Result {
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly error: unknown;
}

/** Undoing has its own budget, whatever the window has left. */
const UNDO_TIMEOUT_MS = 30_000;
/** After the decision a step is repeated until true; the limit only decides when to call a person. */
const FORWARD_ATTEMPTS_MAX = 60;

const DECISION_INDEX = SWITCHOVER_STEPS.findIndex((step) => 'decision' in step);
const BEFORE_DECISION: readonly Step[] = SWITCHOVER_STEPS.slice(0, DECISION_INDEX);
const AFTER_DECISION: readonly Step[] = SWITCHOVER_STEPS.slice(DECISION_INDEX + 1);

async function runStep(run: Run, recorder: Recorder, step: Step): Promise<void> {
  const id = step.id as StepId;
  await recorder.measure(id, false, () =>
    within(STEP_ACTIONS[id].act(run), step.timeoutMs, () =>
      fail('step_timed_out', { step: id, timeout_ms: step.timeoutMs }),
    ),
  );
  run.deps.logger.info({ switchover: run.id, step: id }, 'step done');
}

/** Undoes every step reached, last first, collecting errors: none may keep the next from running. */
async function undo(run: Run, recorder: Recorder, failed: StepId): Promise<string[]> {
  const errors: string[] = [];
  for (const id of stepsToUndo(failed)) {
    const action = STEP_ACTIONS[id].undo;
    if (!action) continue;
    await recorder
      .measure(id, true, () =>
        within(action(run), UNDO_TIMEOUT_MS, () => fail('step_timed_out', { undo: id })),
      )
      .catch((thrown: unknown) => errors.push(`${id}: ${reasonOf(thrown)}`));
  }
  return errors;
}

/** Roll forward: nothing here is undone, each step is repeated until it is true. */
export async function goForward(run: Run, recorder: Recorder): Promise<void> {
  for (const step of AFTER_DECISION) {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await runStep(run, recorder, step);
        break;
      } catch (thrown) {
        if (attempt >= FORWARD_ATTEMPTS_MAX) throw thrown;
        run.deps.logger.error({ step: step.id, reason: reasonOf(thrown) }, 'step repeated');
        await pause(backoffMs(attempt, { firstMs: 50, maxMs: 5_000 }));
      }
    }
  }
}

async function undoneBecause(
  run: Run,
  recorder: Recorder,
  failed: StepId,
  error: unknown,
): Promise<Result> {
  const errors = await undo(run, recorder, failed);
  const reason = [reasonOf(error), ...errors].join('; ');
  if (isSuperseded(error)) return { outcome: 'superseded', reason, error };
  return { outcome: errors.length > 0 ? 'needs_operator' : 'undone', reason, error };
}

async function forwardResult(run: Run, recorder: Recorder): Promise<Result> {
  try {
    await goForward(run, recorder);
    return { outcome: 'committed', reason: null, error: null };
  } catch (error) {
    return { outcome: 'needs_operator', reason: reasonOf(error), error };
  }
}

/** The decision. An unknown outcome is settled by claiming; anything else before C1 undoes. */
async function decideAndFinish(run: Run, recorder: Recorder): Promise<Result> {
  const step: Step = SWITCHOVER_STEPS[DECISION_INDEX]!;
  try {
    await runStep(run, recorder, step);
  } catch (error) {
    if (!run.decided) return undoneBecause(run, recorder, 'prepare', error);
    run.deps.logger.error({ switchover: run.id, reason: reasonOf(error) }, 'settling the decision');
    const settled = await settleUntilKnown(run).catch((thrown: unknown) => ({ failed: thrown }));
    if (typeof settled === 'object') {
      const { failed } = settled;
      await releaseBoth(run);
      const outcome = isSuperseded(failed) ? 'superseded' : 'needs_operator';
      return { outcome, reason: reasonOf(failed), error: failed };
    }
    if (settled === 'undone') return undoneBecause(run, recorder, 'prepare', error);
    if (!(error instanceof UnknownOutcome)) {
      run.deps.logger.warn({ switchover: run.id }, 'decided in spite of a failure after C1');
    }
  }
  return forwardResult(run, recorder);
}

/** Runs a whole switch and stores its report. Never throws: the outcome says what is true. */
export async function execute(run: Run): Promise<Result> {
  const recorder = new Recorder(run);
  let result: Result | null = null;
  for (const step of BEFORE_DECISION) {
    try {
      run.abort.signal.throwIfAborted();
      await runStep(run, recorder, step);
      if (!step.inWindow) await recorder.save();
    } catch (error) {
      result = await undoneBecause(run, recorder, step.id as StepId, error);
      break;
    }
  }
  result ??= await decideAndFinish(run, recorder);
  if (result.outcome === 'superseded') return result;
  if (result.outcome !== 'needs_operator') {
    await run.deps.movePhase(run, result.outcome, result.reason);
  }
  await recorder.tell();
  // Last of all: who reads an outcome finds everything else in place.
  await recorder.save({
    outcome: result.outcome,
    ...(result.reason === null ? {} : { reason: result.reason }),
    ...(result.outcome === 'committed' && run.windowMs !== null ? { windowMs: run.windowMs } : {}),
    ...(run.actor ? { certificate: makeCertificate(run) } : {}),
  });
  return result;
}
