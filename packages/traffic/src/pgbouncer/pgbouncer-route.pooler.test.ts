import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deferred } from '@turnout/core/waiting';
import { openAdminSession } from '@turnout/postgres/admin-session';
import { openSession, withSession } from '@turnout/postgres/session';
import { mustSkip } from '@turnout/testkit/availability';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { pgBouncerMissing, startPgBouncer, type PgBouncer } from '@turnout/testkit/pgbouncer';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { holdPoolers } from '../guardian/hold-poolers.js';
import type { GuardianPlan } from '../guardian/messages.js';
import { createRoutes } from '../route-config.js';
import { pauseInstances } from './instances.js';
import { PgbouncerRoute } from './pgbouncer-route.js';

const skip = await mustSkip(pgBouncerMissing);
const epoch = 1n;
const LIMITS = { deadlineMs: 10_000 };
const { signal } = new AbortController();
let cluster: Cluster;
let poolers: PgBouncer[];
let route: PgbouncerRoute;

const target = (dbname: string) => ({ host: '127.0.0.1', port: cluster.port, dbname });
const line = (dbname: string) =>
  `host=127.0.0.1 port=${cluster.port} dbname=${dbname} user=postgres pool_size=7`;

beforeAll(async () => {
  if (skip) return;
  cluster = await startCluster({ version: '15', name: 'route' });
  await cluster.createDatabase('blue');
  await cluster.createDatabase('green');
});

beforeEach(async () => {
  if (skip) return;
  const options = { databases: { other: line('blue'), shop: line('blue') } };
  poolers = [await startPgBouncer(options)];
  const [first] = poolers;
  route = routeOf(first!);
});

afterEach(async () => {
  for (const pooler of poolers) await pooler[Symbol.asyncDispose]();
});

afterAll(() => cluster?.[Symbol.asyncDispose]());

/** The route of `first`'s file; the other consoles are those of further processes. */
function routeOf(first: PgBouncer, ...others: PgBouncer[]): PgbouncerRoute {
  return new PgbouncerRoute({
    admins: [first, ...others].map(({ adminUrl }) => adminUrl),
    file: first.databasesFile,
    database: 'shop',
    targets: { blue: target('blue'), green: target('green') },
    timeoutMs: 1_000,
  });
}

/** What the guardian is told; only its poolers and the limit of PAUSE matter to `holdPoolers`. */
function planOf({ poolers: instances }: PgbouncerRoute, pauseTimeoutMs: number): GuardianPlan {
  const limits = { pauseTimeoutMs, deadlineMs: 10_000, settleTimeoutMs: 10_000 };
  return { poolers: instances, fromUrl: cluster.url('blue'), fromPassword: null, ...limits };
}

async function databaseThrough(pooler: PgBouncer): Promise<unknown> {
  const options = { endpoint: { url: pooler.url('shop') }, applicationName: 'client' };
  return withSession(options, async (session) => {
    const { rows } = await session.query('select current_database() as name');
    return rows[0].name;
  });
}

async function command(pooler: PgBouncer, text: string): Promise<void> {
  const session = await openAdminSession({ url: pooler.adminUrl }, { timeoutMs: 2_000 });
  await session.query(text);
  await session.close();
}

test.skipIf(skip)('held clients go on at the other side, and nothing else changes', async () => {
  const [pooler] = poolers as [PgBouncer];
  const before = await readFile(pooler.databasesFile, 'utf8');
  const { mode, uid } = await stat(pooler.databasesFile);
  expect(await databaseThrough(pooler)).toBe('blue');
  await pauseInstances(route.poolers, 2_000);
  expect((await route.probe({ signal })).routedTo).toBe('held');
  const held = databaseThrough(pooler);
  await route.point('green', { epoch, signal });
  expect(await held).toBe('green');
  expect((await route.probe({ signal })).routedTo).toBe('green');

  const after = await readFile(pooler.databasesFile, 'utf8');
  expect(after.replace('dbname=green', 'dbname=blue')).toBe(before);
  expect(await stat(pooler.databasesFile)).toMatchObject({ mode, uid });
  const files = await readdir(dirname(pooler.databasesFile));
  expect(files.filter((name) => name.startsWith('.databases'))).toEqual([]);
});

test.skipIf(skip)(
  'a client that stays in its transaction ends the hold on all poolers',
  async () => {
    const [first] = poolers as [PgBouncer];
    const second = await startPgBouncer({ databases: { shop: line('blue') } });
    poolers.push(second);
    const both = routeOf(first, second);
    const client = await openSession({
      endpoint: { url: first.url('shop') },
      applicationName: 'client',
    });
    await client.query('begin');
    await client.query('select 1');
    expect(await holdPoolers(planOf(both, 300))).toMatchObject({
      type: 'refused',
      instance: both.instances[0],
      notResumed: [],
    });
    expect((await both.probe({ signal })).routedTo).toBe('blue');
    expect(await databaseThrough(first)).toBe('blue');
    expect(await databaseThrough(second)).toBe('blue');
    await client.query('commit');
    await client.end();
  },
);

test.skipIf(skip)('a pooler that cannot be asked lets no hold stand', async () => {
  const [first] = poolers as [PgBouncer];
  const second = await startPgBouncer({ databases: { shop: line('blue') } });
  poolers.push(second);
  const both = routeOf(first, second);
  await second.crash();
  expect(await holdPoolers(planOf(both, 500))).toMatchObject({
    type: 'refused',
    instance: both.instances[1],
    notResumed: [both.instances[1]],
  });
  expect((await both.probe({ signal })).routedTo).toBe('unknown');
  expect(await databaseThrough(first)).toBe('blue');
  await expect(both.point('green', { epoch, signal })).rejects.toMatchObject({ code: 'TRN5014' });
  // The pooler that could follow did; the other one finds the file when it comes back.
  expect(await databaseThrough(first)).toBe('green');
});

test.skipIf(skip)(
  'reconciling repairs a forgotten hold, an old file and an old route',
  async () => {
    const [pooler] = poolers as [PgBouncer];
    const routes = createRoutes(
      [{ pgbouncer: { admin: pooler.adminUrl, file: pooler.databasesFile, database: 'shop' } }],
      {
        pair: 'shop',
        sideUrls: { blue: cluster.url('blue'), green: cluster.url('green') },
      },
    );
    await command(pooler, 'PAUSE shop');
    await routes.reconcile('blue', epoch, LIMITS);
    expect(await routes.probe(LIMITS)).toMatchObject([
      { route: routes.describe()[0], kind: 'pgbouncer', routedTo: 'blue', why: null },
    ]);

    await routes.reconcile('green', epoch, LIMITS);
    expect(await databaseThrough(pooler)).toBe('green');

    // The file of before, as configuration management would write it: true until the next restart.
    const text = await readFile(pooler.databasesFile, 'utf8');
    await writeFile(pooler.databasesFile, text.replace('dbname=green', 'dbname=blue'));
    expect(await routes.probe(LIMITS)).toMatchObject([
      { routedTo: 'unknown', why: expect.stringContaining('file') },
    ]);
    await routes.reconcile('green', epoch, LIMITS);
    await routes.reconcile('green', epoch, LIMITS);
    await pooler.crash();
    await pooler.start();
    expect(await databaseThrough(pooler)).toBe('green');
    await routes.close();
  },
);

test.skipIf(skip)('new clients in the moment of the switch meet no gap', async () => {
  const [pooler] = poolers as [PgBouncer];
  await pauseInstances(route.poolers, 1_000);
  const stop = new AbortController();
  const started = deferred();
  let connections = 0;
  const connecting = (async () => {
    while (!stop.signal.aborted) {
      const answer = databaseThrough(pooler);
      started.resolve();
      connections += 1;
      expect(await answer).toMatch(/blue|green/);
    }
  })();
  await started.promise;
  const before = performance.now();
  await route.point('green', { epoch, signal });
  expect(await databaseThrough(pooler)).toBe('green');
  expect(performance.now() - before).toBeLessThan(3_000);
  stop.abort();
  await connecting;
  expect(connections).toBeGreaterThan(0);
});

test('two sides at one address cannot be told apart, and are refused', () => {
  const same = { host: 'db', port: 5432, dbname: 'shop' };
  const options = { admins: [], file: '/none', database: 'shop' };
  expect(() => new PgbouncerRoute({ ...options, targets: { blue: same, green: same } })).toThrow(
    /TRN1006/,
  );
});
