import { ERRORS, isError } from '@turnout/contracts/errors';
import type { AppError } from '@turnout/core/app-error';
import { isCancelled } from '@turnout/core/waiting';
import type { Phase } from '@turnout/machine/phases';
import { asAppError } from '@turnout/postgres/refusal';
import type { Wait } from './wait.js';
import { DONE, type Leading } from './stage.js';
import { STAGES } from './stages.js';

export interface StageResult {
  /** Something was done: look again at once. */
  readonly done: boolean;
  readonly wait: Wait | null;
}

/** An error that keeps a stage from going on; `turnout start` lets it try again. */
function stageFailed(reason: string, remedy: string | null, pair: string): Wait {
  return {
    for: `a person: ${reason}`,
    holder: 'operator',
    remedy: `${remedy === null ? '' : `${remedy} Then: `}turnout start ${pair}`,
  };
}

/** Runs the stage of the phase. What fails and does not pass by itself becomes a condition. */
export async function runStage(leading: Leading): Promise<StageResult> {
  const { row, context } = leading;
  const stage = STAGES[row.phase as Phase];
  const errored = row.conditions.find(({ condition }) => condition === 'errored');
  if (errored) return { done: false, wait: stageFailed(errored.reason, null, row.pair) };
  if (!stage) return { done: false, wait: null };
  try {
    const result = await stage(leading);
    return result === DONE ? { done: true, wait: null } : { done: false, wait: result };
  } catch (thrown) {
    // Somebody moved the pair meanwhile: an abort, say. What it is now is looked at anew.
    if (isCancelled(thrown) || isError(thrown, 'expectation_failed', 'phase_mismatch')) {
      return { done: true, wait: null };
    }
    const error = asAppError(thrown, { phase: row.phase });
    if (error.code === ERRORS.store_unreachable.code) throw error;
    if (error.code === ERRORS.postgres_unreachable.code) throw error;
    context.logger.error({ pair: row.pair, phase: row.phase, err: thrown }, 'stage failed');
    await setErrored(leading, error);
    return { done: false, wait: stageFailed(error.message, error.entry.remedy, row.pair) };
  }
}

/** Errored is a condition beside the phase, so that the phase still says how far the pair came. */
async function setErrored({ context }: Leading, error: AppError): Promise<void> {
  const { store, pair, clock } = context;
  const row = await store.pairs.get(pair.name);
  if (!row) return;
  const since = new Date(clock.nowMs()).toISOString();
  await store.journal.transition(pair.name, {
    conditions: [
      ...row.conditions.filter(({ condition }) => condition !== 'errored'),
      { condition: 'errored', since, reason: error.message, code: error.code },
    ],
    type: 'condition_changed',
    data: { condition: 'errored', code: error.code, ...error.facts },
    actor: 'coordinator',
  });
}
