import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '@turnout/core/waiting';
import { startCluster, type Cluster } from '../cluster.js';
import { withClient } from '../cluster/client.js';
import { loadShop, SHOP_DDL, type ShopSize } from '../shop/shop.js';
import { compare } from './comparison.js';
import { sharedMonotonicMs } from './monotonic.js';
import { endObservation, LINGER_MS } from './observation.js';
import { acceptedProbes, bothSidesWritableMs, Probers } from './prober.js';
import { stalls } from './stalls.js';
import { startWriters, type Writers } from './writers.js';

let cluster: Cluster;
let admin: Client;
let size: ShopSize;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnout-writers-'));
  cluster = await startCluster({ version: '15', name: 'writers' });
  admin = await connect(await cluster.createDatabase('shop'));
  await admin.query(SHOP_DDL);
  size = await loadShop(admin, { scale: 0.05 });
});

afterAll(async () => {
  await admin?.end().catch(() => undefined);
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

function acknowledged(writers: Writers, more: number): Promise<number> {
  const wanted = writers.counts().acknowledged + more;
  return waitUntil(
    () => {
      const { acknowledged: count } = writers.counts();
      return Promise.resolve(count >= wanted ? count : undefined);
    },
    { timeoutMs: 30_000, intervalMs: 20, onTimeout: () => new Error('writers do not go on') },
  );
}

test('nothing acknowledged is missing after the server was killed under the writers', async () => {
  const route = { kind: 'pgbouncer', url: cluster.url('shop', 'app') } as const;
  const startedMs = sharedMonotonicMs();
  await using writers = startWriters({
    groups: [
      { route, writers: 2 },
      { route, writers: 2 },
    ],
    perSecond: 400,
    directory,
    size,
  });
  await acknowledged(writers, 300);
  const fromMs = sharedMonotonicMs();
  await cluster.crash();
  await cluster.start();
  const toMs = sharedMonotonicMs();
  await acknowledged(writers, 300);
  const watched = { fromMs: startedMs, untilMs: sharedMonotonicMs() };
  await writers.stop();
  admin = await connect(cluster.url('shop'));
  const found = await compare(writers.ledgerFiles, admin);
  expect(found).toMatchObject({ lost: 0, duplicated: 0, unexplained: 0 });
  expect(found.acknowledged).toBeGreaterThan(600);
  expect(found.clientErrors).toBeGreaterThan(0);
  const { max } = await stalls(writers.ledgerFiles, { fromMs, untilMs: toMs }, watched);
  expect(max).toBeGreaterThan(toMs - fromMs);
  const missing = await admin.query('delete from app.ledger where seq = 5');
  const audited = await admin.query('delete from app.audit_log where seq = 5');
  expect([missing.rowCount, audited.rowCount]).toEqual([4, 4 + 1]);
  const after = await compare(writers.ledgerFiles, admin);
  expect(after).toMatchObject({ lost: 4, duplicated: 4 });
});

test('probers count what is refused and reconnect to a server that comes back', async () => {
  const urls = { blue: cluster.url('shop', 'app'), green: cluster.url('shop', 'nobody_known') };
  await using probers = new Probers({ urls });
  const more = (count: number) => ({
    timeoutMs: 30_000,
    intervalMs: 10,
    onTimeout: () => new Error(`not ${count} probes more`),
  });
  const reach = (count: number): Promise<true> =>
    waitUntil(
      () => Promise.resolve(probers.counts('blue').accepted >= count || undefined),
      more(count),
    );
  await reach(20);
  await admin.query('revoke insert on app.probe from app');
  await waitUntil(() => Promise.resolve(probers.counts('blue').refused > 3 || undefined), more(3));
  await admin.query('grant insert on app.probe to app');
  await cluster.restart();
  await reach(probers.counts('blue').accepted + 20);
  await probers.stop();
  expect(probers.counts('green').accepted).toBe(0);
  admin = await connect(cluster.url('shop'));
  const shop = cluster.url('shop');
  const probes = await acceptedProbes({ blue: shop, green: shop });
  const accepted = probers.counts('blue').accepted;
  expect(probes.length).toBeGreaterThanOrEqual(accepted);
  expect(new Set(probes.map(({ side }) => side))).toEqual(new Set(['blue']));
});

test('writers are watched for a while after the end, and no gap ends later', async () => {
  const route = { kind: 'pgbouncer', url: cluster.url('shop', 'app') } as const;
  const urls = { blue: cluster.url('shop', 'app'), green: cluster.url('shop', 'nobody_known') };
  const ledgers = join(directory, 'lingering');
  await mkdir(ledgers);
  // New ledgers begin at 1 again.
  await admin.query('truncate app.ledger, app.audit_log, app.counter');
  const sinceMs = sharedMonotonicMs();
  const groups = [{ route, writers: 2 }];
  await using writers = startWriters({ groups, perSecond: 200, directory: ledgers, size });
  await using probers = new Probers({ urls });
  await acknowledged(writers, 50);
  const overMs = sharedMonotonicMs();
  const untilMs = await endObservation(writers, probers);
  expect(untilMs - overMs).toBeGreaterThanOrEqual(LINGER_MS - 1);
  const span = { fromMs: overMs, untilMs: overMs };
  const { max } = await stalls(writers.ledgerFiles, span, { fromMs: sinceMs, untilMs });
  expect(max).toBeLessThan(untilMs - overMs);
});

test('a probe that the side accepted after it was left is found there', async () => {
  const urls = {
    blue: await cluster.createDatabase('left'),
    green: await cluster.createDatabase('entered'),
  };
  const insert = (url: string, side: 'blue' | 'green', id: number, ms: number): Promise<unknown> =>
    withClient(url, (client) =>
      client.query(
        `insert into app.probe values (lpad($1, 32, '0')::uuid, $2, to_timestamp($3::float8 / 1000))`,
        [String(id), side, ms],
      ),
    );
  for (const url of [urls.blue, urls.green]) {
    await withClient(url, (client) => client.query(SHOP_DDL));
    // Replicated: on both sides.
    await insert(url, 'blue', 1, 90);
  }
  await insert(urls.green, 'green', 2, 105);
  await insert(urls.blue, 'blue', 3, 130);
  const probes = await acceptedProbes(urls);
  expect(probes.map(({ side, atUs }) => [side, atUs])).toEqual([
    ['blue', 90_000],
    ['green', 105_000],
    ['blue', 130_000],
  ]);
  expect(bothSidesWritableMs(probes, [{ to: 'green', atMs: 100 }])).toBe(25);
});
