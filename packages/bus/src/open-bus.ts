import type { BusTopic } from '@turnout/contracts/events';
import type { Endpoint } from '@turnout/postgres/session';
import type { Bus, BusLogger, Transport } from './bus.js';
import { KafkaTransport } from './kafka/transport.js';
import { MemoryTransport } from './memory.js';
import { Outbox } from './outbox.js';
import { PostgresTransport } from './postgres/transport.js';

export interface BusConfig {
  readonly kind: 'postgres' | 'memory' | 'kafka';
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
}

export interface BusOptions {
  /** The control store, migrated; for kind postgres. */
  readonly endpoint: Endpoint;
  readonly logger: BusLogger;
  /** Counts `bus_publish_failures_total`. */
  readonly onFailure?: ((topic: BusTopic, count: number) => void) | undefined;
}

function createTransport(
  { kind, brokers, topicPrefix }: BusConfig,
  { endpoint, logger }: BusOptions,
): Transport {
  switch (kind) {
    case 'memory':
      return new MemoryTransport(logger);
    case 'postgres':
      return new PostgresTransport({ endpoint, topicPrefix, logger });
    case 'kafka':
      return new KafkaTransport({ brokers, topicPrefix, logger });
  }
}

/** Opens the bus; what carries it need not be reachable yet. */
export async function openBus(config: BusConfig, options: BusOptions): Promise<Bus> {
  return new Outbox(createTransport(config, options), options);
}
