import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '@turnout/core/waiting';
import { startCluster, type Cluster } from '../cluster.js';
import { loadShop, SHOP_DDL, type ShopSize } from '../shop/shop.js';
import { compare } from './comparison.js';
import { sharedMonotonicMs } from './monotonic.js';
import { acceptedProbes, Probers } from './prober.js';
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
  await writers.stop();
  admin = await connect(cluster.url('shop'));
  const found = await compare(writers.ledgerFiles, admin);
  expect(found).toMatchObject({ lost: 0, duplicated: 0, unexplained: 0 });
  expect(found.acknowledged).toBeGreaterThan(600);
  expect(found.clientErrors).toBeGreaterThan(0);
  const { max } = await stalls(writers.ledgerFiles, fromMs, toMs);
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
  const probes = await acceptedProbes(admin);
  expect(probes.length).toBeGreaterThanOrEqual(probers.counts('blue').accepted);
  expect(new Set(probes.map(({ side }) => side))).toEqual(new Set(['blue']));
});
