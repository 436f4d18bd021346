import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBus } from '@turnout/bus/open-bus';
import { createChecker } from '@turnout/checker/service';
import { systemClock } from '@turnout/core/clock';
import { createLagMonitor } from '@turnout/lag-monitor/service';
import { openSession, withSession, type Session } from '@turnout/postgres/session';
import { createReplicator } from '@turnout/replicator/service';
import type { ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import { createLogger } from '@turnout/service-kit/logger';
import { createMetrics } from '@turnout/service-kit/metrics';
import { runServices } from '@turnout/service-kit/service';
import { openStore, type Store } from '@turnout/store/store';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { freePort } from '@turnout/testkit/process/free-port';
import { loadShop, SHOP_DDL, type ShopSize } from '@turnout/testkit/shop/shop';

export const TOKEN = 'chaos';
const SCALE = 0.02;

/** Three real clusters and every service but the coordinator, which a test starts and kills. */
export interface LivingPair extends AsyncDisposable {
  readonly blue: Cluster;
  readonly green: Cluster;
  readonly config: ResolvedConfig;
  readonly store: Store;
  readonly directory: string;
  readonly size: ShopSize;
  /** Session of a superuser on a side. */
  open(side: 'blue' | 'green'): Promise<Session>;
}

function configuration(
  [blue, green, control]: readonly [Cluster, Cluster, Cluster],
  port: number,
  tokensFile: string,
): ResolvedConfig {
  return {
    control: { url: control.url('control') },
    api: { host: '127.0.0.1', port, tokensFile },
    metrics: null,
    bus: { kind: 'postgres', topicPrefix: 'turnout' },
    redisUrl: null,
    log: { level: 'error' },
    pairs: {
      shop: {
        name: 'shop',
        blue: { url: blue.url('shop') },
        green: { url: green.url('shop') },
        tables: { include: ['*.*'], exclude: [] },
        schema: { transfer: 'existing' },
        copy: { workers: 2 },
        apply: { groupRowsMax: 20_000, groupBytesMax: 8 << 20, memoryBytesMax: 128 << 20 },
        gates: { lagMaxMs: 2_000, verifiedWithinMs: 86_400_000, writerAgeMaxMs: 5_000 },
        window: { maxMs: 5_000, lockTimeoutMs: 500, attemptsMax: 5, standbyWaitMs: 1_000 },
        standbys: 'streaming',
        soak: { minMs: 0 },
        routes: [],
      },
    },
  } as unknown as ResolvedConfig;
}

async function makeShop(blue: Cluster, green: Cluster): Promise<ShopSize> {
  let size: ShopSize | undefined;
  for (const cluster of [blue, green]) {
    const url = await cluster.createDatabase('shop');
    await withSession({ endpoint: { url }, applicationName: 'test' }, async (session) => {
      await session.query(SHOP_DDL);
      if (cluster === blue) size = await loadShop(session, { scale: SCALE });
    });
  }
  return size!;
}

/** Starts everything; whatever was started is ended by disposing, in reverse. */
export async function startLivingPair(): Promise<LivingPair> {
  const undo: (() => Promise<unknown>)[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'turnout-chaos-'));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  const clusters: [Cluster, Cluster, Cluster] = [
    await startCluster({ version: '13' }),
    await startCluster({ version: '15' }),
    await startCluster({ version: '15' }),
  ];
  for (const cluster of clusters) undo.push(() => cluster[Symbol.asyncDispose]());
  const [blue, green, control] = clusters;
  await control.createDatabase('control');
  const size = await makeShop(blue, green);
  const tokensFile = join(directory, 'tokens.yaml');
  const sha256 = createHash('sha256').update(TOKEN).digest('hex');
  await writeFile(tokensFile, `- { name: chaos, role: admin, sha256: ${sha256} }\n`);
  const config = configuration(clusters, await freePort(), tokensFile);
  const logger = createLogger({ level: 'fatal', service: 'chaos' });
  const store = await openStore({ endpoint: config.control, applicationName: 'turnout/0/store/x' });
  undo.push(() => store.close());
  await store.migrate();
  const bus = await openBus(config.bus, { endpoint: config.control, logger });
  undo.push(() => bus.close());
  const metrics = createMetrics();
  const context = { config, store, bus, logger, metrics, clock: systemClock, instanceId: 'chaos' };
  const stop = new AbortController();
  const running = runServices(
    [createReplicator(context), createLagMonitor(context), createChecker(context)],
    { signal: stop.signal, logger },
  );
  undo.push(async () => {
    stop.abort();
    await running;
  });
  const open = (side: 'blue' | 'green'): Promise<Session> =>
    openSession({
      endpoint: { url: (side === 'blue' ? blue : green).url('shop') },
      applicationName: 'test',
    });
  const dispose = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step();
  };
  return {
    blue,
    green,
    config,
    store,
    directory,
    size,
    open,
    [Symbol.asyncDispose]: dispose,
  };
}
