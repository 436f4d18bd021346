import { backoffMs } from '@turnout/core/backoff';
import { CancelledSignal, deferred, pause, within, type Deferred } from '@turnout/core/waiting';
import type { Consumer, Kafka } from 'kafkajs';
import { handle, type BusLogger, type EventHandler } from '../bus.js';
import { decodeEvent } from '../cloud-event.js';

export interface GroupConsumerOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  readonly handler: EventHandler;
  readonly logger: BusLogger;
  readonly beforeJoining: () => Promise<void>;
}

const SESSION_MS = 10_000;
const HEARTBEAT_MS = 2_000;
/** kafkajs may hang without a word when packets are lost; a silent consumer is made anew. */
const SILENT_MS_MAX = 3 * SESSION_MS;
/** An idle fetch returns after this; events themselves return it at once. */
const FETCH_MS = 500;
/** Leaving talks to the broker, which may be what is gone. */
const LEAVE_MS_MAX = 5_000;
const LOOK_MS = 1_000;
const RETRY = { firstMs: 250, maxMs: 10_000 };

/** One member of a Kafka group with its own watchdog: kafkajs restarts neither always nor in bounds. */
export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #closing = new AbortController();
  readonly #joined: Deferred<void> = deferred();
  #loop: Promise<void> = Promise.resolve();
  #aliveAtMs = 0;

  constructor(options: GroupConsumerOptions) {
    this.#options = options;
  }

  get ready(): Promise<void> {
    return this.#joined.promise;
  }

  get alive(): boolean {
    return performance.now() - this.#aliveAtMs < SILENT_MS_MAX;
  }

  start(): void {
    this.#loop = this.#follow();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#joined.reject(new CancelledSignal('subscription'));
    await this.#loop;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const startedMs = performance.now();
      try {
        await this.#consume(signal);
      } catch (thrown) {
        if (signal.aborted) return;
        const { topic, logger } = this.#options;
        logger.warn({ err: thrown, topic }, 'Kafka consumer ended; a new one is made');
      }
      if (performance.now() - startedMs > SILENT_MS_MAX) attempt = 0;
      await pause(backoffMs(attempt, RETRY), signal).catch(() => undefined);
    }
  }

  /** Until it crashes, falls silent or is closed. */
  async #consume(signal: AbortSignal): Promise<void> {
    const { kafka, topic, groupId, beforeJoining } = this.#options;
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: FETCH_MS,
      allowAutoTopicCreation: false,
      retry: { retries: 5, restartOnFailure: async () => false },
    });
    const crash = this.#watch(consumer);
    try {
      await beforeJoining();
      await this.#settleOffset();
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({ eachMessage: ({ message }) => this.#deliver(message) });
      this.#aliveAtMs = performance.now();
      while (!signal.aborted) {
        if (crash.error) throw crash.error;
        if (!this.alive) throw new Error('no heartbeat');
        await pause(LOOK_MS, signal);
      }
    } finally {
      const late = (): Error => new Error('consumer did not leave');
      await within(consumer.disconnect(), LEAVE_MS_MAX, late).catch(() => undefined);
    }
  }

  /**
   * A new group starts with what comes next, and that place is committed at once: a member that had
   * nothing to commit yet would begin behind the events of its own absence after a crash.
   */
  async #settleOffset(): Promise<void> {
    const { kafka, topic, groupId } = this.#options;
    const admin = kafka.admin();
    try {
      await admin.connect();
      const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] });
      const isNew = committed?.partitions.every(({ offset }) => offset === '-1') ?? true;
      if (!isNew) return;
      const ends = await admin.fetchTopicOffsets(topic);
      const partitions = ends.map(({ partition, offset }) => ({ partition, offset }));
      await admin.setOffsets({ groupId, topic, partitions });
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  #watch(consumer: Consumer): { error: Error | null } {
    const crash: { error: Error | null } = { error: null };
    const isAlive = (): void => {
      this.#aliveAtMs = performance.now();
    };
    consumer.on(consumer.events.HEARTBEAT, isAlive);
    consumer.on(consumer.events.FETCH, () => {
      isAlive();
      this.#joined.resolve();
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      crash.error = payload.error;
    });
    return crash;
  }

  async #deliver(message: Parameters<typeof decodeEvent>[0]): Promise<void> {
    const event = decodeEvent(message);
    if (event) await handle(this.#options.handler, event, this.#options.logger);
  }
}
