import { openBus } from '@turnout/bus/open-bus';
import type { Bus } from '@turnout/bus/bus';
import { systemClock } from '@turnout/core/clock';
import type { Direction } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { Service } from '@turnout/service-kit/service';
import { createLogger } from '@turnout/service-kit/logger';
import { createMetrics } from '@turnout/service-kit/metrics';
import type { LinkDesired, LinkRow } from '@turnout/store/links';
import { openStore, type Store } from '@turnout/store/store';
import { createReplicator } from '../src/service.js';
import { Pair, type Clusters } from './pair-fixture.js';

let controls = 0;

/** A pair with a control store and a bus, for replicators that are run and killed by the test. */
export class ReplicatedPair implements AsyncDisposable {
  readonly pair: Pair;
  readonly store: Store;
  readonly bus: Bus;

  private constructor(pair: Pair, store: Store, bus: Bus) {
    this.pair = pair;
    this.store = store;
    this.bus = bus;
  }

  /** @param controlUrl the control store's database; one on green unless given */
  static async create(
    clusters: Clusters,
    ddl: string,
    controlUrl?: string,
  ): Promise<ReplicatedPair> {
    const pair = await Pair.create(clusters, ddl);
    const url = controlUrl ?? (await clusters.green.createDatabase(`control${(controls += 1)}`));
    const store = await openStore({ endpoint: { url }, applicationName: 'turnout/0/store/test' });
    await store.migrate();
    await store.pairs.ensure(pair.name);
    const logger = { warn: () => undefined };
    const bus = await openBus(
      { kind: 'memory', brokers: [], topicPrefix: 'turnout' },
      { endpoint: { url }, logger },
    );
    return new ReplicatedPair(pair, store, bus);
  }

  /** Runs a replicator of its own instance for the time of `work`. */
  async withReplicator<T>(instanceId: string, work: (service: Service) => Promise<T>): Promise<T> {
    const settings = {
      name: this.pair.name,
      blue: { url: this.pair.url('blue') },
      green: { url: this.pair.url('green') },
      tables: { include: ['*.*'], exclude: [] },
      copy: { workers: 2 },
      apply: { groupRowsMax: 20_000, groupBytesMax: 8 << 20, memoryBytesMax: 64 << 20 },
    };
    const context = {
      config: { pairs: { [this.pair.name]: settings } },
      store: this.store,
      bus: this.bus,
      logger: createLogger({ level: 'fatal', service: 'test' }),
      metrics: createMetrics(),
      clock: systemClock,
      instanceId,
    } as unknown as ServiceContext;
    const service = createReplicator(context);
    const stop = new AbortController();
    const running = service.run(stop.signal);
    try {
      return await work(service);
    } finally {
      await service.drain();
      stop.abort();
      await running;
    }
  }

  async desire(link: Direction, desired: LinkDesired): Promise<void> {
    await this.store.links.setDesired(this.pair.name, link, desired);
  }

  untilObserved(link: Direction, holds: (row: LinkRow) => boolean): Promise<LinkRow> {
    let last: LinkRow | null = null;
    return waitUntil(
      async () => {
        last = await this.store.links.get(this.pair.name, link);
        return last && holds(last) ? last : undefined;
      },
      {
        timeoutMs: 20_000,
        intervalMs: 10,
        onTimeout: () => new Error(`${link} is ${JSON.stringify(last?.observed)}`),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus.close();
    await this.store.close();
    await this.pair[Symbol.asyncDispose]();
  }
}

export const inState = (state: string) => (row: LinkRow) => row.observed?.state === state;
