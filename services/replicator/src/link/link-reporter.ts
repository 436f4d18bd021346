import { isAppError } from '@turnout/core/app-error';
import { LINK_PROGRESSED, makeEvent } from '@turnout/contracts/events';
import type { LinkState } from '@turnout/store/links';
import type { LinkContext } from '../replicator-context.js';
import type { LinkFailure, LinkStatus } from './link-status.js';

/** Pace of reports to the store and of events on the bus; a change of state is reported at once. */
const REPORT_INTERVAL_MS = 500;

/** What may be said of an error: one of ours says all, any other its name. */
export function failureOf(thrown: unknown): LinkFailure {
  if (isAppError(thrown))
    return { code: thrown.code, message: thrown.message, facts: thrown.facts };
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  return { code: null, message: `defect of Turnout: ${name}, see the log`, facts: { name } };
}

/** Reports to the store and publishes on the bus what a link does. Neither may hold it up. */
export class LinkReporter {
  readonly #context: LinkContext;
  readonly #status: LinkStatus;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #pending = false;
  #sequence = 0;

  constructor(context: LinkContext, status: LinkStatus) {
    this.#context = context;
    this.#status = status;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.report(), REPORT_INTERVAL_MS);
  }

  /** Stops after what is being written is written. */
  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    // The end of one write may begin the next.
    while (this.#writing) await this.#writing;
  }

  change(state: LinkState, thrown?: unknown): void {
    this.#status.state = state;
    this.#status.failure = thrown === undefined ? null : failureOf(thrown);
    this.report();
  }

  /** Writes the status now, or once more after the write in flight: an older one never wins. */
  report(): void {
    if (this.#writing) {
      this.#pending = true;
      return;
    }
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
      if (!this.#pending) return;
      this.#pending = false;
      this.report();
    });
  }

  async #write(): Promise<void> {
    const { store, settings, link, events, clock, log, metrics } = this.#context;
    const pair = settings.name;
    const { copy } = this.#status;
    if (copy) metrics.copied(pair, copy.rows, copy.rowsExpected);
    this.#sequence = Math.max(this.#sequence + 1, clock.nowMs());
    const event = makeEvent({
      type: LINK_PROGRESSED,
      pair,
      sequence: this.#sequence,
      data: this.#status.progressed(),
      time: new Date(clock.nowMs()).toISOString(),
      source: `/turnout/replicator/${link}`,
    });
    if (this.#status.running) events.publish('links', event).catch(() => undefined);
    try {
      await store.links.report(pair, link, this.#status.observed(clock.monotonicMs()));
    } catch (thrown) {
      log.warn({ pair, link, err: thrown }, 'link could not be reported');
    }
  }
}
