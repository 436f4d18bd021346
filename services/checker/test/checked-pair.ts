import { within } from '@turnout/core/waiting';
import { installCluster } from '@turnout/postgres/cluster/install';
import { openSession, type Session } from '@turnout/postgres/session';
import { openStore, type Store } from '@turnout/store/store';
import type { CheckKind, CheckRow } from '@turnout/store/checks';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { NO_METERS, type PairContext } from '../src/checker-context.js';
import { PairChecker } from '../src/pair-checker.js';
import { SimpleApplier } from './simple-applier.js';

const LIMIT_MS = 30_000;
const APPLICATION = 'turnout/1/test/shop';

/** Blue (13) replicating to green (15), with a control store and a running checker. */
export class CheckedTestPair {
  readonly blue: Session;
  readonly green: Session;
  readonly store: Store;
  readonly applier: SimpleApplier;
  readonly clusters: readonly Cluster[];
  readonly context: PairContext;
  #checker: { checker: PairChecker; stop: AbortController; ended: Promise<void> } | null = null;
  #unlisten: (() => Promise<void>) | null = null;

  constructor(parts: {
    blue: Session;
    green: Session;
    store: Store;
    applier: SimpleApplier;
    clusters: readonly Cluster[];
    context: PairContext;
  }) {
    this.blue = parts.blue;
    this.green = parts.green;
    this.store = parts.store;
    this.applier = parts.applier;
    this.clusters = parts.clusters;
    this.context = parts.context;
  }

  async startChecker(): Promise<void> {
    const checker = new PairChecker(this.context, 1n);
    const stop = new AbortController();
    this.#checker = { checker, stop, ended: checker.run(stop.signal) };
    this.#unlisten = await this.store.listen((topic) => {
      if (topic === 'checks' || topic === 'tracking' || topic === 'pairs') checker.wake();
    });
  }

  async stopChecker(): Promise<void> {
    await this.#unlisten?.();
    this.#checker?.stop.abort();
    await this.#checker?.ended;
    this.#checker = null;
  }

  /** Requests a check and waits for its end. */
  async check(kind: CheckKind, params: Record<string, unknown> = {}): Promise<CheckRow> {
    const finished = new Map<string, () => void>();
    let resolveId: (id: string) => void = () => undefined;
    const ids: string[] = [];
    const unlisten = await this.store.listen((topic, _pair, detail) => {
      if (topic !== 'checks' || !detail.endsWith(' finished')) return;
      ids.push(detail.split(' ')[0]!);
      finished.get(detail.split(' ')[0]!)?.();
      resolveId(detail);
    });
    try {
      const id = await this.store.checks.request('shop', kind, params);
      const ended = new Promise<void>((resolve) => {
        finished.set(id, resolve);
        if (ids.includes(id)) resolve();
      });
      await within(ended, LIMIT_MS, () => new Error(`check ${kind} did not end`));
      return (await this.store.checks.get(id))!;
    } finally {
      await unlisten();
    }
  }

  async stop(): Promise<void> {
    await this.stopChecker();
    await this.applier.close();
    await this.blue.end();
    await this.green.end();
    await this.store.close();
    for (const cluster of this.clusters) await cluster[Symbol.asyncDispose]();
  }
}

export async function startCheckedPair(
  schema: string,
  tables: readonly string[],
): Promise<CheckedTestPair> {
  const clusters = await Promise.all([
    startCluster({ version: '13', name: 'check-blue' }),
    startCluster({ version: '15', name: 'check-green' }),
  ]);
  const endpoints = await Promise.all(
    clusters.map(async (cluster) => ({ url: await cluster.createDatabase('shop') })),
  );
  const control = { url: await clusters[1].createDatabase('control') };
  const store = await openStore({ endpoint: control, applicationName: APPLICATION });
  await store.migrate();
  await store.pairs.ensure('shop');
  const [blue, green] = await Promise.all(
    endpoints.map((endpoint) => openSession({ endpoint, applicationName: APPLICATION })),
  );
  await installCluster(blue!, { pair: 'shop', side: 'blue', state: 'open' });
  await installCluster(green!, { pair: 'shop', side: 'green', state: 'closed' });
  await blue!.query(schema);
  await green!.query(schema);
  const applier = await SimpleApplier.start(
    endpoints[0]!,
    endpoints[1]!,
    tables.map((name) => ({ schema: 'public', name })),
  );
  await store.journal.transition('shop', {
    phase: 'verifying',
    type: 'test',
    data: {},
    actor: 'test',
  });
  await store.links.ensure('shop', 'forward');
  await store.links.report('shop', 'forward', {
    state: 'streaming',
    receivedLsn: null,
    appliedLsn: null,
    durableLsn: null,
    open: true,
    copy: null,
    transactionsApplied: 0,
    rowsApplied: 0,
    slot: null,
    markerSeen: null,
  });
  const context: PairContext = {
    pair: {
      name: 'shop',
      blue: endpoints[0]!,
      green: endpoints[1]!,
      tables: { include: [], exclude: [] },
    },
    store,
    log: {
      info: () => undefined,
      warn: (facts, message) => process.stderr.write(`${message} ${JSON.stringify(facts)}\n`),
    },
    meters: NO_METERS,
    instanceId: 'test',
  };
  return new CheckedTestPair({ blue: blue!, green: green!, store, applier, clusters, context });
}
