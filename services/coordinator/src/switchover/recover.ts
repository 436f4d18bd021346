import { makeCertificate } from './certificate.js';
import { goForward, type Result } from './engine.js';
import { Recorder, reasonOf } from './recorder.js';
import type { Run } from './run.js';
import { isSuperseded } from './superseded.js';
import { settleUntilKnown } from './settle.js';
import { hold } from './steps/hold.js';
import { releaseBoth } from './steps/acquire.js';

/**
 * Finishes or undoes a switch that another process began: probes, never assumes. Called at every
 * start of a coordinator for every switch that the journal has as running.
 */
export async function recover(run: Run): Promise<Result> {
  const recorder = new Recorder(run);
  let result: Result;
  try {
    const settled = await settleUntilKnown(run);
    if (settled === 'committed') {
      await goForward(run, recorder);
      result = { outcome: 'committed', reason: 'finished by a successor', error: null };
    } else {
      await hold.undo?.(run);
      result = { outcome: 'undone', reason: 'undone by a successor', error: null };
    }
  } catch (error) {
    const outcome = isSuperseded(error) ? 'superseded' : 'needs_operator';
    result = { outcome, reason: reasonOf(error), error };
  }
  if (result.outcome === 'superseded') {
    await releaseBoth(run);
    return result;
  }
  if (result.outcome !== 'needs_operator') {
    await run.deps.movePhase(run, result.outcome, result.reason);
  }
  await recorder.tell();
  await releaseBoth(run);
  await recorder.save({
    outcome: result.outcome,
    ...(result.reason === null ? {} : { reason: result.reason }),
    ...(run.actor ? { certificate: makeCertificate(run) } : {}),
  });
  return result;
}
