import { isAppError, messageOf } from '@turnout/core/app-error';
import type { StepId } from '@turnout/machine/switchover-steps';
import type { SwitchoverPatch } from '@turnout/store/switchovers';
import type { Run } from './run.js';
import type { StepDetail } from './steps/step.js';

export interface StepRecord {
  readonly id: StepId;
  readonly outcome: 'done' | 'failed' | 'undone' | 'undo_failed';
  /** RFC 3339. */
  readonly startedAt: string;
  readonly ms: number;
  /** Facts as text, `name=value` joined by commas; null when there are none. */
  readonly detail: string | null;
}

function detailText(detail: StepDetail): string | null {
  const facts = Object.entries(detail).map(([name, value]) => `${name}=${String(value)}`);
  return facts.length === 0 ? null : facts.join(', ');
}

/** What went wrong, in words that are safe to store. */
export function reasonOf(thrown: unknown): string {
  if (isAppError(thrown)) return thrown.message;
  if (thrown instanceof Error && 'code' in thrown) {
    // A server's message may quote values; its code and routine may not.
    return `${thrown.name} ${String(thrown.code)}`;
  }
  return messageOf(thrown);
}

/**
 * Keeps the steps of a run. Inside the window nothing is written to the store: a slow control store
 * may not lengthen the time without writes.
 */
export class Recorder {
  readonly #run: Run;
  readonly #records: StepRecord[] = [];

  constructor(run: Run) {
    this.#run = run;
  }

  get records(): readonly StepRecord[] {
    return this.#records;
  }

  async measure(id: StepId, undo: boolean, work: () => Promise<StepDetail | void>): Promise<void> {
    const { clock } = this.#run.deps;
    const startedAt = new Date(clock.nowMs()).toISOString();
    const startedMs = clock.monotonicMs();
    const add = (outcome: StepRecord['outcome'], detail: StepDetail): void => {
      const ms = clock.monotonicMs() - startedMs;
      this.#records.push({ id, outcome, startedAt, ms, detail: detailText(detail) });
    };
    try {
      const detail = await work();
      add(undo ? 'undone' : 'done', detail ?? {});
    } catch (thrown) {
      add(undo ? 'undo_failed' : 'failed', { reason: reasonOf(thrown) });
      throw thrown;
    }
  }

  /** Tells every step to journal and metrics, once the window is over. */
  async tell(): Promise<void> {
    const { store, metrics, pair, logger } = this.#run.deps;
    for (const { id, outcome, ms } of this.#records) {
      metrics.observe('switchover_step_duration_seconds', { step: id, outcome }, ms / 1_000);
      await store.journal
        .append(pair.name, {
          type: 'switchover.step_finished',
          data: { switchover: this.#run.id, step: id, outcome, ms },
          actor: 'coordinator',
          accepted: true,
        })
        .catch((thrown: unknown) => {
          logger.warn(
            { switchover: this.#run.id, reason: reasonOf(thrown) },
            'step not journalled',
          );
        });
    }
  }

  /** Stores the steps so far; failing to is news, not a reason to stop. */
  async save(patch: SwitchoverPatch = {}): Promise<void> {
    const { store, logger } = this.#run.deps;
    await store.switchovers
      .update(this.#run.id, { steps: this.#records, ...patch })
      .catch((thrown: unknown) => {
        logger.warn({ switchover: this.#run.id, reason: reasonOf(thrown) }, 'steps not stored');
      });
  }
}
