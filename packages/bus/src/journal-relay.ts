import { backoffMs } from '@turnout/core/backoff';
import { isCancelled, pause } from '@turnout/core/waiting';
import { journalEventType, makeEvent, type CloudEvent } from '@turnout/contracts/events';
import type { Bus, BusLogger } from './bus.js';

/** The part of a journal entry that becomes an event. */
export interface RelayEntry {
  readonly revision: number;
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  readonly accepted: boolean;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Where the entries are and how far they were handed over; the control store fits. */
export interface RelaySource {
  pairs(): Promise<readonly string[]>;
  read(pair: string, afterRevision: number, limit: number): Promise<readonly RelayEntry[]>;
  position(pair: string): Promise<number>;
  advance(pair: string, revision: number): Promise<void>;
}

const BATCH_MAX = 100;
/** News of new entries may be lost; this bounds the delay. */
const POLL_MS = 2_000;
const RETRY = { firstMs: 200, maxMs: 10_000 };

function eventOf(pair: string, entry: RelayEntry): CloudEvent {
  const { revision, at, type, actor, accepted, data } = entry;
  return makeEvent({
    type: journalEventType(type),
    pair,
    sequence: revision,
    data: { ...data, actor, accepted },
    time: at,
    source: '/turnout/journal',
  });
}

/**
 * Publishes the journal to topic `events`, in order and at least once: the position moves only after
 * the bus has taken the entries. Two relays repeat events, they lose none.
 */
export class JournalRelay {
  readonly #source: RelaySource;
  readonly #bus: Bus;
  readonly #logger: BusLogger;
  #sleep = new AbortController();
  #woken = false;
  failing = false;

  constructor(source: RelaySource, bus: Bus, logger: BusLogger) {
    this.#source = source;
    this.#bus = bus;
    this.#logger = logger;
  }

  /** Says that there may be new entries. */
  wake(): void {
    this.#woken = true;
    this.#sleep.abort();
  }

  /** Until `signal` aborts. A bus that is away makes it wait and never fail. */
  async run(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted;) {
      this.#woken = false;
      this.#sleep = new AbortController();
      const done = await this.#relayAll(signal);
      attempt = done ? 0 : attempt + 1;
      if (done && this.#woken) continue;
      const waitMs = done ? POLL_MS : backoffMs(attempt, RETRY);
      const wake = done ? [signal, this.#sleep.signal] : [signal];
      await pause(waitMs, AbortSignal.any(wake)).catch((thrown: unknown) => {
        if (!isCancelled(thrown)) throw thrown;
      });
    }
  }

  async #relayAll(signal: AbortSignal): Promise<boolean> {
    try {
      for (const pair of await this.#source.pairs()) {
        while (!signal.aborted && (await this.#relaySome(pair)));
      }
      this.failing = false;
      return true;
    } catch (thrown) {
      if (!this.failing) this.#logger.warn({ err: thrown }, 'journal is not relayed; it is kept');
      this.failing = true;
      return false;
    }
  }

  /** True when there may be more. */
  async #relaySome(pair: string): Promise<boolean> {
    const from = await this.#source.position(pair);
    const entries = await this.#source.read(pair, from, BATCH_MAX);
    const last = entries.at(-1);
    if (!last) return false;
    await this.#bus.deliver(
      'events',
      entries.map((entry) => eventOf(pair, entry)),
    );
    await this.#source.advance(pair, last.revision);
    return entries.length === BATCH_MAX;
  }
}
