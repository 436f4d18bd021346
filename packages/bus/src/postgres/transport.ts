import type { BusTopic, CloudEvent } from '@turnout/contracts/events';
import { openPool, type Pool } from '@turnout/postgres/pool';
import type { Endpoint, SessionOptions } from '@turnout/postgres/session';
import type { BusHealth, BusLogger, EventHandler, Subscription, Transport } from '../bus.js';
import { GroupReader } from './group-reader.js';
import type { NamedStatement } from '@turnout/postgres/sql/statement';
import * as sql from './sql/events.js';
import { WakeUp } from './wake-up.js';

const DROP_INTERVAL_MS = 60_000;
/** Each subscription holds one while its handler works; a publisher must still find one. */
const CONNECTIONS_MAX = 8;

export interface PostgresBusOptions {
  /** The control store, migrated. */
  readonly endpoint: Endpoint;
  readonly topicPrefix: string;
  readonly logger: BusLogger;
}

/** A table and LISTEN/NOTIFY in the control store: no broker to run. */
export class PostgresTransport implements Transport {
  readonly #options: PostgresBusOptions;
  readonly #session: SessionOptions;
  readonly #pool: Pool;
  readonly #readers = new Map<GroupReader, string>();
  #wakeUp: WakeUp | null = null;
  #droppedAtMs = performance.now();
  #failure: string | null = null;

  constructor(options: PostgresBusOptions) {
    this.#options = options;
    this.#session = { endpoint: options.endpoint, applicationName: 'turnout/0/bus/' };
    this.#pool = openPool({ ...this.#session, connectionsMax: CONNECTIONS_MAX });
  }

  async send(topic: BusTopic, events: readonly CloudEvent[]): Promise<void> {
    if (events.length === 0) return;
    try {
      await this.#run(sql.publishEvents(this.#name(topic), JSON.stringify(events)));
      this.#failure = null;
    } catch (thrown) {
      this.#failure = 'control store does not take events';
      throw thrown;
    }
    await this.#dropOld();
  }

  async subscribe(topic: BusTopic, groupId: string, handler: EventHandler): Promise<Subscription> {
    const name = this.#name(topic);
    const reader = new GroupReader(this.#pool, name, groupId, handler, this.#options.logger);
    this.#readers.set(reader, name);
    this.#wakeUp ??= new WakeUp(this.#session, (woken) => {
      for (const [each, its] of this.#readers) if (woken === null || woken === its) each.wake();
    });
    const ready = reader.start();
    ready.catch(() => undefined);
    return {
      ready,
      close: async () => {
        this.#readers.delete(reader);
        await reader.close();
      },
    };
  }

  healthy(): BusHealth {
    return { ok: this.#failure === null, reason: this.#failure };
  }

  async close(): Promise<void> {
    await this.#wakeUp?.close();
    await Promise.all([...this.#readers.keys()].map((reader) => reader.close()));
    this.#readers.clear();
    await this.#pool.end();
  }

  #name(topic: BusTopic): string {
    return `${this.#options.topicPrefix}.${topic}`;
  }

  #run(statement: NamedStatement): Promise<unknown> {
    return this.#pool.withClient((session) => session.query(statement));
  }

  async #dropOld(): Promise<void> {
    if (performance.now() - this.#droppedAtMs < DROP_INTERVAL_MS) return;
    this.#droppedAtMs = performance.now();
    await this.#run(sql.dropOldEvents()).catch((thrown: unknown) => {
      this.#options.logger.warn({ err: thrown }, 'old events were not dropped');
    });
  }
}
