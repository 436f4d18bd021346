import { fail } from '@turnout/contracts/errors';
import { BUS_TOPICS, type BusTopic, type CloudEvent } from '@turnout/contracts/events';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import type { BusHealth, BusLogger, EventHandler, Subscription, Transport } from '../bus.js';
import { encodeEvent } from '../cloud-event.js';
import { GroupConsumer } from './group-consumer.js';

export interface KafkaBusOptions {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly logger: BusLogger;
}

const SEND_MS_MAX = 10_000;

/** Kafka through kafkajs. One partition a topic: events of a pair stay in order whatever the group. */
export class KafkaTransport implements Transport {
  readonly #options: KafkaBusOptions;
  readonly #kafka: Kafka;
  readonly #consumers = new Set<GroupConsumer>();
  #producer: Promise<Producer> | null = null;
  #topics: Promise<void> | null = null;
  #failure: string | null = null;

  constructor(options: KafkaBusOptions) {
    this.#options = options;
    this.#kafka = new Kafka({
      clientId: 'turnout',
      brokers: [...options.brokers],
      connectionTimeout: 3_000,
      requestTimeout: SEND_MS_MAX,
      // Few and short: whoever waits has a retry of its own and must notice.
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000 },
      logLevel: logLevel.NOTHING,
    });
  }

  async send(topic: BusTopic, events: readonly CloudEvent[]): Promise<void> {
    if (events.length === 0) return;
    try {
      await this.#ensureTopics();
      const producer = await this.#connect();
      const messages = events.map((event) => {
        const { key, value, headers } = encodeEvent(event);
        return { key, value, headers: { ...headers } };
      });
      await producer.send({ topic: this.#name(topic), messages, acks: -1, timeout: SEND_MS_MAX });
      this.#failure = null;
    } catch (thrown) {
      this.#failure = 'Kafka does not take events';
      this.#producer?.then((producer) => producer.disconnect()).catch(() => undefined);
      this.#producer = null;
      throw fail('kafka_unreachable', { brokers: this.#options.brokers.join(',') }, thrown);
    }
  }

  async subscribe(topic: BusTopic, groupId: string, handler: EventHandler): Promise<Subscription> {
    const consumer = new GroupConsumer({
      kafka: this.#kafka,
      topic: this.#name(topic),
      groupId: `${this.#options.topicPrefix}.${groupId}`,
      handler,
      logger: this.#options.logger,
      beforeJoining: () => this.#ensureTopics(),
    });
    this.#consumers.add(consumer);
    consumer.start();
    return {
      ready: consumer.ready,
      close: async () => {
        this.#consumers.delete(consumer);
        await consumer.close();
      },
    };
  }

  healthy(): BusHealth {
    const silent = [...this.#consumers].some((consumer) => !consumer.alive);
    const reason = this.#failure ?? (silent ? 'Kafka is not being read' : null);
    return { ok: reason === null, reason };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
    this.#consumers.clear();
    const producer = await this.#producer?.catch(() => null);
    await producer?.disconnect().catch(() => undefined);
  }

  #name(topic: BusTopic): string {
    return `${this.#options.topicPrefix}.${topic}`;
  }

  #connect(): Promise<Producer> {
    this.#producer ??= (async () => {
      const producer = this.#kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      return producer;
    })();
    return this.#producer;
  }

  /** Created by us and not by chance: a topic made on first use has the broker's partitions. */
  #ensureTopics(): Promise<void> {
    this.#topics ??= this.#createTopics().catch((thrown: unknown) => {
      this.#topics = null;
      throw thrown;
    });
    return this.#topics;
  }

  async #createTopics(): Promise<void> {
    const admin = this.#kafka.admin();
    try {
      await admin.connect();
      await admin.createTopics({
        waitForLeaders: true,
        topics: BUS_TOPICS.map((topic) => ({ topic: this.#name(topic), numPartitions: 1 })),
      });
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}
