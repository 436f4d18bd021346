import { openPool } from '@turnout/postgres/pool';
import type { Endpoint } from '@turnout/postgres/session';
import { Checks } from './checks.js';
import { Database } from './database.js';
import { Idempotency } from './idempotency.js';
import { Journal } from './journal.js';
import { Lag } from './lag.js';
import { Leases } from './leases.js';
import { Links } from './links.js';
import { Listener, type ListenHandler } from './listen.js';
import { migrate } from './migration-run.js';
import { Notes } from './notes.js';
import { Pairs } from './pairs.js';
import { Requests } from './requests.js';
import { Relay } from './relay.js';
import { ping } from './sql/ping.js';
import { Switchovers } from './switchovers.js';
import { Tracking } from './tracking.js';

export interface StoreOptions {
  readonly endpoint: Endpoint;
  readonly applicationName: string;
  readonly connectionsMax?: number | undefined;
}

/** The control store: any PostgreSQL from 13 on, a database of its own. */
export class Store implements AsyncDisposable {
  readonly pairs: Pairs;
  readonly journal: Journal;
  readonly leases: Leases;
  readonly links: Links;
  readonly checks: Checks;
  readonly tracking: Tracking;
  readonly switchovers: Switchovers;
  readonly idempotency: Idempotency;
  readonly lag: Lag;
  readonly notes: Notes;
  readonly relay: Relay;
  readonly requests: Requests;
  readonly #database: Database;
  readonly #listener: Listener;

  /** Use {@link openStore}. */
  constructor(options: StoreOptions) {
    const database = new Database(openPool(options));
    this.#database = database;
    this.#listener = new Listener(options);
    this.pairs = new Pairs(database);
    this.journal = new Journal(database);
    this.leases = new Leases(database);
    this.links = new Links(database);
    this.checks = new Checks(database);
    this.tracking = new Tracking(database);
    this.switchovers = new Switchovers(database);
    this.idempotency = new Idempotency(database);
    this.lag = new Lag(database);
    this.notes = new Notes(database);
    this.relay = new Relay(database);
    this.requests = new Requests(database);
  }

  /** Installs what this version needs. @throws TRN6003, TRN6006 */
  migrate(): Promise<void> {
    return migrate(this.#database);
  }

  /** @throws TRN6001 when the store does not answer */
  async ping(): Promise<void> {
    await this.#database.rows(ping());
  }

  /** Calls `handler` for every change made by anybody; the answer ends that. */
  listen(handler: ListenHandler): Promise<() => Promise<void>> {
    return this.#listener.add(handler);
  }

  async close(): Promise<void> {
    await this.#listener.close();
    await this.#database.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Opens the store and shows that it answers. @throws TRN6001 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const store = new Store(options);
  try {
    await store.ping();
  } catch (thrown) {
    await store.close();
    throw thrown;
  }
  return store;
}
