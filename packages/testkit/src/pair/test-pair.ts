import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SIDES, type Side } from '@turnout/core/sides';
import { installCluster } from '@turnout/postgres/cluster/install';
import { openSession, type Endpoint, type Session } from '@turnout/postgres/session';
import type { ResolvedConfig, ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { openStore, type Store } from '@turnout/store/store';
import { Cleanup } from '../cleanup.js';
import type { Cluster } from '../cluster.js';
import { freePort } from '../process/free-port.js';
import { loadShop, SHOP_DDL, type ShopSize } from '../shop/shop.js';
import { startStandby, type Standby, type StandbyOptions } from '../standby.js';
import { startProxy, type TcpProxy } from '../tcp-proxy.js';
import { startClusters, type ClustersRecipe, type PairClusters, type Place } from './clusters.js';
import {
  writeConfigFiles,
  type CommonSettings,
  type PairEntry,
  type PairSettings,
} from './config-files.js';
import { CoordinatorChild, type CoordinatorOrder } from './coordinator-child.js';
import { dropSlots, proveIdle, tracesIn } from './leftovers.js';
import {
  startServices,
  type RunningServices,
  type ServiceName,
  type ServicesOrder,
} from './services.js';

/** DDL of both sides, or of each. */
export type Tables = string | Partial<Readonly<Record<Side, string>>>;

export interface PairOrder {
  /** Unless given it is `shop`, on shared servers with a number of its own. */
  readonly name?: string | undefined;
  /** Servers of the whole test file; the pair has databases of its own there and removes them. */
  readonly clusters?: PairClusters | undefined;
  /** What to start when no servers are given. */
  readonly servers?: ClustersRecipe | undefined;
  readonly tables?: Tables | undefined;
  /** The shop instead of `tables`, its rows on blue. */
  readonly shop?: { readonly scale: number } | undefined;
  /** State of each side when Turnout's objects are to be there; otherwise `start` brings them. */
  readonly installed?: Readonly<Record<Side, 'open' | 'closed'>> | undefined;
  /** false: databases alone, without a control store and without a configuration. */
  readonly control?: false | undefined;
  /** Of the pair, in the words of `turnout.yaml`. */
  readonly settings?: PairSettings | undefined;
  /** Further pairs in the same `turnout.yaml`, on databases that the test makes itself. */
  readonly others?: Readonly<Record<string, PairEntry>> | undefined;
  /** The rest of `turnout.yaml`. */
  readonly common?: CommonSettings | undefined;
}

/** Roads to a place that a test can cut: whoever starts takes them instead of the straight one. */
export type Via = Partial<Readonly<Record<Place, TcpProxy>>>;

/** Before any switch: blue takes writes. */
export const INSTALLED = { blue: 'open', green: 'closed' } as const;

let pairsOnShared = 0;

/**
 * A living pair: two databases, a control store and a configuration, and whatever of the services a
 * test lets work on it. Disposing ends all of it in reverse, proves that nothing of Turnout is at
 * work any more, and rejects otherwise.
 */
export class TestPair implements AsyncDisposable {
  readonly name: string;
  readonly clusters: PairClusters;
  /** Of this pair alone; ledgers and the like may go there. */
  readonly directory: string;
  readonly #cleanup: Cleanup;
  readonly #sessions = new Map<Side, Session>();
  #store: Store | undefined;
  #config: ResolvedConfig | undefined;
  #configFile = '';
  #size: ShopSize | undefined;

  private constructor(name: string, clusters: PairClusters, directory: string, cleanup: Cleanup) {
    this.name = name;
    this.clusters = clusters;
    this.directory = directory;
    this.#cleanup = cleanup;
  }

  /** Makes what is ordered; what was made is removed when the rest fails. */
  static async create(order: PairOrder = {}): Promise<TestPair> {
    const cleanup = new Cleanup();
    try {
      const directory = await mkdtemp(join(await realpath(tmpdir()), 'turnout-pair-'));
      cleanup.add('directory', () => rm(directory, { recursive: true, force: true }));
      const shared = order.clusters !== undefined;
      const clusters = order.clusters ?? cleanup.use('servers', await startClusters(order.servers));
      const name = order.name ?? (shared ? `shop${(pairsOnShared += 1)}` : 'shop');
      const pair = new TestPair(name, clusters, directory, cleanup);
      await pair.#build(order);
      return pair;
    } catch (thrown) {
      await cleanup.run();
      throw thrown;
    }
  }

  async #build(order: PairOrder): Promise<void> {
    await this.#makeSides(order);
    if (order.control === false) return;
    await this.#makeDatabase('control');
    const { file, config } = await writeConfigFiles({
      directory: this.directory,
      apiPort: await freePort(),
      controlUrl: this.url('control'),
      pairs: { ...order.others, [this.name]: { ...this.urls(), settings: order.settings } },
      common: order.common ?? {},
    });
    this.#configFile = file;
    this.#config = config;
    const store = await openStore({ endpoint: config.control, applicationName: 'test' });
    this.#cleanup.add('store', () => store.close());
    await store.migrate();
    await store.pairs.ensure(this.name);
    this.#store = store;
  }

  async #makeSides({ tables = '', shop, installed }: PairOrder): Promise<void> {
    for (const side of SIDES) {
      await this.#makeDatabase(side);
      const session = await this.reconnect(side);
      const ddl = shop ? SHOP_DDL : typeof tables === 'string' ? tables : tables[side];
      if (ddl) await session.query(ddl);
    }
    if (shop) this.#size = await loadShop(this.blue, shop);
    for (const side of SIDES) {
      const state = installed?.[side];
      if (state) await installCluster(this.session(side), { pair: this.name, side, state });
    }
  }

  /** Services end first, then it is proven that they did, then the database goes. */
  async #makeDatabase(place: Place): Promise<void> {
    const cluster = this.clusters[place];
    const url = await cluster.createDatabase(this.#database(place));
    this.#cleanup.add(`database of ${place}`, async () => {
      if (!cluster.running) return;
      const idle = proveIdle(url);
      await idle.catch(() => undefined);
      await this.#sessions
        .get(place as Side)
        ?.end()
        .catch(() => undefined);
      await dropSlots(url).catch(() => undefined);
      await cluster.dropDatabase(this.#database(place));
      await idle;
    });
  }

  /** A side's database bears the name of the pair, where both sides do not share a server. */
  #database(place: Place): string {
    const shared = this.clusters.blue === this.clusters.green;
    return place !== 'control' && !shared ? this.name : `${this.name}_${place}`;
  }

  /** URL of a side's database or of the control store. */
  url(place: Place, user = 'postgres'): string {
    return this.clusters[place].url(this.#database(place), user);
  }

  endpoint(place: Place): Endpoint {
    return { url: this.url(place) };
  }

  /** Both sides' URLs for a role of the application; for writers and probers. */
  urls(user = 'postgres'): Readonly<Record<Side, string>> {
    return { blue: this.url('blue', user), green: this.url('green', user) };
  }

  cluster(side: Side): Cluster {
    return this.clusters[side];
  }

  /** Session of a superuser on a side, with `search_path` public; values are texts. */
  session(side: Side): Session {
    const session = this.#sessions.get(side);
    if (session === undefined) throw new Error(`no session on ${side}`);
    return session;
  }

  get blue(): Session {
    return this.session('blue');
  }

  get green(): Session {
    return this.session('green');
  }

  /** Opens the side's session anew, after its server went away. */
  async reconnect(side: Side): Promise<Session> {
    await this.#sessions
      .get(side)
      ?.end()
      .catch(() => undefined);
    const session = await openSession({
      endpoint: this.endpoint(side),
      applicationName: 'test',
      settings: { search_path: 'public' },
    });
    this.#sessions.set(side, session);
    return session;
  }

  /** One more session, of any role and name; ended with the pair if the test does not end it. */
  async open(place: Place, { user = 'postgres', name = 'test' } = {}): Promise<Session> {
    const session = await openSession({
      endpoint: { url: this.url(place, user) },
      applicationName: name,
      settings: { search_path: 'public' },
    });
    this.#cleanup.add(`session on ${place}`, () => session.end().catch(() => undefined));
    return session;
  }

  get store(): Store {
    return this.#made(this.#store);
  }

  get config(): ResolvedConfig {
    return this.#made(this.#config);
  }

  /** The pair as services get it. */
  get settings(): ResolvedPair {
    return this.#made(this.config.pairs[this.name]);
  }

  /** `turnout.yaml`, for the program; its tokens are `viewer`, `operator` and `admin`. */
  get configFile(): string {
    return this.#configFile;
  }

  /** How large the shop is. */
  get size(): ShopSize {
    return this.#made(this.#size);
  }

  #made<T>(value: T | undefined): T {
    if (value === undefined) throw new Error('this pair was ordered without it');
    return value;
  }

  /** A road to a place that can be cut, stalled and slowed down. */
  async proxy(place: Place): Promise<TcpProxy> {
    const proxy = await startProxy({ targetPort: this.clusters[place].port });
    return this.#cleanup.use(`proxy of ${place}`, proxy);
  }

  /** The configuration of somebody who reaches places by proxies. */
  configVia(via: Via): ResolvedConfig {
    const through = (place: Place, endpoint: Endpoint): Endpoint => {
      const proxy = via[place];
      if (proxy === undefined) return endpoint;
      const url = new URL(endpoint.url);
      url.port = String(proxy.port);
      return { ...endpoint, url: url.href };
    };
    const { blue, green } = this.settings;
    const pair = {
      ...this.settings,
      blue: through('blue', blue),
      green: through('green', green),
    };
    return {
      ...this.config,
      control: through('control', this.config.control),
      pairs: { ...this.config.pairs, [this.name]: pair },
    };
  }

  /** Lets services work in this process, with a store and a bus of their own. */
  async run(
    services: readonly ServiceName[],
    { via = {}, ...order }: ServicesOrder & { readonly via?: Via } = {},
  ): Promise<RunningServices> {
    const running = await startServices(services, this.configVia(via), order);
    return this.#cleanup.use(services.join(', '), running);
  }

  /** Starts a coordinator in a process and at a port of its own; resolves when its API answers. */
  async startCoordinator(order: CoordinatorOrder & { via?: Via } = {}): Promise<CoordinatorChild> {
    const coordinator = await this.launchCoordinator(order);
    await coordinator.ready();
    return coordinator;
  }

  /** The same without waiting: it may be meant to die before its API answers. */
  async launchCoordinator({
    via = {},
    ...order
  }: CoordinatorOrder & { via?: Via } = {}): Promise<CoordinatorChild> {
    const config = this.configVia(via);
    const api = { ...config.api, port: await freePort() };
    const coordinator = CoordinatorChild.launch({ ...config, api }, this.name, order);
    return this.#cleanup.use('coordinator', coordinator);
  }

  async startStandby(side: Side, options?: StandbyOptions): Promise<Standby> {
    const standby = await startStandby(this.clusters[side], options);
    return this.#cleanup.use(`standby of ${side}`, standby);
  }

  /** Keeps what a test started until the pair ends, and ends it before the pair. */
  use<T extends AsyncDisposable>(what: string, value: T): T {
    return this.#cleanup.use(what, value);
  }

  /** Every object of Turnout on a side; empty after `abort` and `complete`. */
  traces(side: Side): Promise<string[]> {
    return tracesIn(this.url(side));
  }

  /** Content of a table as texts, in an order of its own. */
  async dump(side: Side, table: string): Promise<string[]> {
    const { rows } = await this.session(side).query<{ row: string }>(
      `select t::text as row from ${table} t order by t::text collate "C"`,
    );
    return rows.map(({ row }) => row);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanup.finish();
  }
}
