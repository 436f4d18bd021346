import { backoffMs } from '@turnout/core/backoff';
import { isCancelled, pause, within } from '@turnout/core/waiting';
import { BUS_TOPICS, type BusTopic, type CloudEvent } from '@turnout/contracts/events';
import type { Bus, BusHealth, BusLogger, EventHandler, Subscription, Transport } from './bus.js';

/** Events that wait at most, by topic. Progress and lag are worth nothing once they are old. */
const QUEUE_MAX = { events: 10_000, links: 1_000, lag: 1_000 } as const satisfies Record<
  BusTopic,
  number
>;
const BATCH_MAX = 100;
const RETRY = { firstMs: 100, maxMs: 5_000 };
const FLUSH_MS = 1_000;

export interface OutboxOptions {
  readonly logger: BusLogger;
  /** Told of every event dropped and every batch that failed. */
  readonly onFailure?: ((topic: BusTopic, count: number) => void) | undefined;
}

/** A bounded queue before a transport, so that publishing costs its caller nothing, ever. */
export class Outbox implements Bus {
  readonly #transport: Transport;
  readonly #options: OutboxOptions;
  readonly #queues: Readonly<Record<BusTopic, CloudEvent[]>> = { events: [], links: [], lag: [] };
  readonly #closing = new AbortController();
  #pumping: Promise<void> | null = null;
  #failure: string | null = null;

  constructor(transport: Transport, options: OutboxOptions) {
    this.#transport = transport;
    this.#options = options;
  }

  async publish(topic: BusTopic, event: CloudEvent): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const queue = this.#queues[topic];
    queue.push(event);
    if (queue.length > QUEUE_MAX[topic]) {
      queue.shift();
      this.#options.onFailure?.(topic, 1);
    }
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = null;
    });
  }

  deliver(topic: BusTopic, events: readonly CloudEvent[]): Promise<void> {
    return this.#transport.send(topic, events);
  }

  subscribe(topic: BusTopic, groupId: string, handler: EventHandler): Promise<Subscription> {
    return this.#transport.subscribe(topic, groupId, handler);
  }

  healthy(): BusHealth {
    const health = this.#transport.healthy();
    return health.ok && this.#failure !== null ? { ok: false, reason: this.#failure } : health;
  }

  /** Sends what is queued if that is quick, then closes the transport. */
  async close(): Promise<void> {
    const late = (): Error => new Error('outbox was not empty');
    if (this.#pumping) await within(this.#pumping, FLUSH_MS, late).catch(() => undefined);
    this.#closing.abort();
    await this.#transport.close();
    await this.#pumping;
  }

  async #pump(): Promise<void> {
    const { signal } = this.#closing;
    // Lets the caller go on first: not even the making of a batch is on its time.
    await Promise.resolve();
    for (let attempt = 0; !signal.aborted;) {
      const topic = BUS_TOPICS.find((each) => this.#queues[each].length > 0);
      if (!topic) return;
      if (await this.#sendSome(topic)) {
        attempt = 0;
        continue;
      }
      try {
        await pause(backoffMs(attempt, RETRY), signal);
      } catch (thrown) {
        if (!isCancelled(thrown)) throw thrown;
      }
      attempt += 1;
    }
  }

  async #sendSome(topic: BusTopic): Promise<boolean> {
    const batch = this.#queues[topic].splice(0, BATCH_MAX);
    try {
      await this.#transport.send(topic, batch);
      this.#failure = null;
      return true;
    } catch (thrown) {
      // Tried again from the front; what no longer fits is dropped, oldest first.
      this.#queues[topic].unshift(...batch);
      const excess = Math.max(0, this.#queues[topic].length - QUEUE_MAX[topic]);
      this.#queues[topic].splice(0, excess);
      this.#options.onFailure?.(topic, Math.max(1, excess));
      if (this.#failure === null) {
        this.#options.logger.warn({ err: thrown, topic }, 'bus does not take events; they wait');
      }
      this.#failure = `topic ${topic} does not take events`;
      return false;
    }
  }
}
