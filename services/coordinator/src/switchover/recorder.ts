import type { StepId } from '@turnout/machine/switchover-steps';
import { reasonOf } from '@turnout/postgres/database-error';
import type { SwitchoverStep } from '@turnout/store/switchovers';
import type { PairContext } from '../context.js';
import type { StepDetail } from './step.js';

export type StepOutcome = 'running' | 'done' | 'failed' | 'undone' | 'undo_failed';

/** Kept of a switch at most; attempts that are made again and again must not grow it for ever. */
const RECORDS_MAX = 200;

interface StepEvent {
  readonly type: 'switchover.step_started' | 'switchover.step_finished';
  readonly data: Readonly<Record<string, unknown>>;
}

function detailText(detail: StepDetail): string | null {
  const facts = Object.entries(detail)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${String(value)}`);
  return facts.length === 0 ? null : facts.join(', ');
}

/**
 * Tells each step as it begins and as it ends, with its true times. Inside the window nothing is
 * written: a slow control store may not lengthen the time without writes. What could not be written
 * is written with the next step. Who was superseded, and woke up, is not written any more.
 */
export class Recorder {
  readonly #context: PairContext;
  readonly #id: string;
  readonly #records: SwitchoverStep[];
  #events: StepEvent[] = [];
  #hushed = false;
  #writing: Promise<void> | null = null;
  #dirty = false;

  constructor(context: PairContext, id: string, earlier: readonly SwitchoverStep[] = []) {
    this.#context = context;
    this.#id = id;
    // A step that its process did not live to end has no end.
    this.#records = earlier.map((each) =>
      each.outcome === 'running' ? { ...each, outcome: 'failed', detail: 'interrupted' } : each,
    );
  }

  get id(): string {
    return this.#id;
  }

  get records(): readonly SwitchoverStep[] {
    return this.#records;
  }

  /** Runs one step and keeps what it came to. */
  async step(
    id: StepId,
    { undo }: { readonly undo: boolean },
    work: () => Promise<StepDetail | void>,
  ): Promise<void> {
    const { clock, metrics } = this.#context;
    const startedAt = new Date(clock.nowMs()).toISOString();
    const startedMs = clock.monotonicMs();
    const running = { id, outcome: 'running', startedAt, ms: null, detail: null } as const;
    this.#records.push(running);
    const facts = { switchover: this.#id, step: id, undo, started_at: startedAt };
    this.#tell({ type: 'switchover.step_started', data: facts });
    const end = (outcome: StepOutcome, detail: StepDetail): void => {
      const ms = clock.monotonicMs() - startedMs;
      const ended = { id, outcome, startedAt, ms, detail: detailText(detail) };
      this.#records.splice(this.#records.indexOf(running), 1, ended);
      metrics.observe('switchover_step_duration_seconds', { step: id, outcome }, ms / 1_000);
      this.#tell({ type: 'switchover.step_finished', data: { ...facts, outcome, ms, detail } });
    };
    try {
      const detail = await work();
      end(undo ? 'undone' : 'done', detail ?? {});
    } catch (thrown) {
      end(undo ? 'undo_failed' : 'failed', { reason: reasonOf(thrown) });
      throw thrown;
    }
  }

  /** Nothing is written from now on, or again. */
  hush(on: boolean): void {
    this.#hushed = on;
    if (!on) void this.write();
  }

  #tell(event: StepEvent): void {
    this.#events.push(event);
    if (this.#records.length > RECORDS_MAX) this.#records.splice(1, 1);
    void this.write();
  }

  /** Resolves when everything so far was written, or could not be. Never rejects. */
  write(): Promise<void> {
    this.#dirty = true;
    if (this.#hushed) return Promise.resolve();
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    const { store, pair, logger, instanceId: holder } = this.#context;
    const runner = { switchover: this.#id, holder };
    const said = { actor: 'coordinator', accepted: true, runner };
    try {
      while (this.#dirty && !this.#hushed) {
        this.#dirty = false;
        await store.switchovers.update(this.#id, { steps: this.#records }, { holder });
        for (let event = this.#events[0]; event && !this.#hushed; event = this.#events[0]) {
          await store.journal.append(pair.name, { ...event, ...said });
          this.#events.shift();
        }
      }
    } catch (thrown) {
      logger.warn({ switchover: this.#id, reason: reasonOf(thrown) }, 'steps not written yet');
    }
  }
}
