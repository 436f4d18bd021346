import { createServer, type Server } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { withSession } from '@turnout/postgres/session';
import { mustSkip } from '@turnout/testkit/availability';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { pgBouncerMissing, startPgBouncer, type PgBouncer } from '@turnout/testkit/pgbouncer';
import { redisMissing, startRedis, type Redis } from '@turnout/testkit/redis';
import { startProxy, type TcpProxy } from '@turnout/testkit/tcp-proxy';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { gating, silentGating } from './gating.js';
import { createRoutes, type RouteEntry } from './route-config.js';
import type { RouteOutcome, Routes } from './routes.js';

const skip = await mustSkip(async () => (await pgBouncerMissing()) ?? (await redisMissing()));
let cluster: Cluster;
let redis: Redis;
let hook: Server;
let pooler: PgBouncer;
/** In front of the pooler's console and of Redis. */
let consoleProxy: TcpProxy;
let redisProxy: TcpProxy;
let routes: Routes;
/** Requests at the webhook that answers 500. */
let hits = 0;

beforeAll(async () => {
  if (skip) return;
  cluster = await startCluster({ version: '15', name: 'routes' });
  await cluster.createDatabase('blue');
  await cluster.createDatabase('green');
  redis = await startRedis();
  hook = createServer((request, response) => {
    if (request.url === '/broken') {
      hits += 1;
      response.writeHead(500).end('no');
    }
    // Any other request is never answered.
  });
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
});

beforeEach(async () => {
  if (skip) return;
  const shop = `host=127.0.0.1 port=${cluster.port} dbname=blue user=postgres`;
  pooler = await startPgBouncer({ databases: { shop } });
  consoleProxy = await startProxy({ targetPort: pooler.port });
  redisProxy = await startProxy({ targetPort: redis.port });
  const base = `http://127.0.0.1:${(hook.address() as AddressInfo).port}`;
  const entries: RouteEntry[] = [
    { redis: {} },
    { webhook: { url: `${base}/hang`, probe_url: `${base}/hang` } },
    { webhook: { url: `${base}/broken`, probe_url: `${base}/broken` } },
    { exec: { command: ['/bin/sleep', '60'], probe: ['/bin/sleep', '60'] } },
    { haproxy: { socket: '/nonexistent.sock', backend: 'shop', blue: 'b', green: 'g' } },
    {
      pgbouncer: {
        admin: pooler.adminUrl.replace(String(pooler.port), String(consoleProxy.port)),
        file: pooler.databasesFile,
        database: 'shop',
      },
    },
  ];
  routes = createRoutes(entries, {
    pair: 'shop',
    sideUrls: { blue: cluster.url('blue'), green: cluster.url('green') },
    redisUrl: `redis://127.0.0.1:${redisProxy.port}`,
  });
});

afterEach(async () => {
  if (skip) return;
  await routes.close();
  await consoleProxy[Symbol.asyncDispose]();
  await redisProxy[Symbol.asyncDispose]();
  await pooler[Symbol.asyncDispose]();
});

afterAll(async () => {
  hook?.closeAllConnections();
  hook?.close();
  await redis?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

async function databaseThrough(): Promise<unknown> {
  const options = { endpoint: { url: pooler.url('shop') }, applicationName: 'client' };
  return withSession(options, async (session) => {
    const { rows } = await session.query('select current_database() as name');
    return rows[0].name;
  });
}

/** Reconciles as a loop does, again and again, until the pooler follows. */
function repaired(side: Side): Promise<RouteOutcome> {
  return waitUntil(
    async () => {
      const [outcome] = await routes.reconcile(side, 3n, { deadlineMs: 1_000 });
      return outcome?.ok ? outcome : undefined;
    },
    { timeoutMs: 15_000, intervalMs: 5, onTimeout: () => new Error('the pooler does not follow') },
  );
}

const summary = (outcomes: readonly RouteOutcome[]): string[] =>
  outcomes.map(({ kind, ok }) => `${kind} ${ok ? 'ok' : 'failed'}`);

test.skipIf(skip)(
  'what hangs or fails delays no other route, and the pooler is first',
  async () => {
    redisProxy.stall();
    const order: string[] = [];
    let poolerMs = Infinity;
    const before = performance.now();
    const outcomes = await routes.point('green', 3n, {
      deadlineMs: 1_500,
      onOutcome: ({ kind }) => {
        order.push(kind);
        if (kind === 'pgbouncer') poolerMs = performance.now() - before;
      },
    });
    expect(performance.now() - before).toBeLessThan(4_000);
    expect(poolerMs).toBeLessThan(1_400);
    expect(summary(outcomes)).toEqual([
      'pgbouncer ok',
      'redis failed',
      'webhook failed',
      'webhook failed',
      'exec failed',
      'haproxy failed',
    ]);
    expect(order.indexOf('pgbouncer')).toBeLessThan(order.indexOf('exec'));
    expect(outcomes.filter(({ ok }) => !ok).map(({ error }) => error?.code)).toEqual(
      Array.from({ length: 5 }, () => 'TRN5014'),
    );
    expect(await databaseThrough()).toBe('green');
  },
);

test.skipIf(skip)('a probe is bounded for each route, and only poolers gate', async () => {
  redisProxy.stall();
  const before = performance.now();
  const states = await routes.probe({ deadlineMs: 800 });
  expect(performance.now() - before).toBeLessThan(3_000);
  expect(states.map(({ kind, routedTo }) => `${kind} ${routedTo}`)).toEqual([
    'pgbouncer blue',
    'redis unknown',
    'webhook unknown',
    'webhook unknown',
    'exec unknown',
    'haproxy unknown',
  ]);
  expect(states.slice(1).every(({ why }) => why !== null && why !== '')).toBe(true);
  expect(gating(states).map(({ kind }) => kind)).toEqual(['pgbouncer']);
  expect(silentGating(states)).toEqual([]);

  consoleProxy.stall();
  const silent = silentGating(await routes.probe({ deadlineMs: 500 }));
  expect(silent).toEqual([expect.stringContaining('pgbouncer database shop')]);
});

test.skipIf(skip)('a console that falls silent is left, and no connection stays open', async () => {
  consoleProxy.stall();
  const before = performance.now();
  const [outcome] = await routes.point('green', 3n, { deadlineMs: 700 });
  expect(performance.now() - before).toBeLessThan(3_000);
  expect(outcome).toMatchObject({ kind: 'pgbouncer', ok: false, error: { code: 'TRN5014' } });
  consoleProxy.heal();
  await waitUntil(async () => (consoleProxy.connections === 0 ? true : undefined), {
    timeoutMs: 5_000,
    intervalMs: 5,
    onTimeout: () => new Error(`${consoleProxy.connections} connections are left`),
  });
  expect(await repaired('green')).toMatchObject({ kind: 'pgbouncer', ok: true });
  expect(await databaseThrough()).toBe('green');
});

test.skipIf(skip)('a pooler killed and started with an old file is repaired', async () => {
  const old = await readFile(pooler.databasesFile, 'utf8');
  await routes.point('green', 3n, { deadlineMs: 1_000 });
  await pooler.crash();
  const [gone] = await routes.reconcile('green', 3n, { deadlineMs: 1_000 });
  expect(gone).toMatchObject({ kind: 'pgbouncer', ok: false, observed: 'unknown' });
  await writeFile(pooler.databasesFile, old);
  await pooler.start();
  expect(await databaseThrough()).toBe('blue');
  expect(await repaired('green')).toMatchObject({ ok: true, observed: 'green' });
  expect(await databaseThrough()).toBe('green');
});

test.skipIf(skip)('a pooler found paused while its side is open is resumed', async () => {
  const hold = await routes.hold({
    from: 'blue',
    fromEndpoint: { url: cluster.url('blue') },
    deadlineMs: 30_000,
    timeoutMs: 2_000,
    signal: new AbortController().signal,
  });
  // Released without resuming: as a coordinator leaves it that died after the guardian did.
  await hold.release();
  const held = databaseThrough();
  expect((await routes.probe({ deadlineMs: 500 }))[0]?.routedTo).toBe('held');
  const [resumed] = await routes.reconcile('blue', 3n, { deadlineMs: 1_000 });
  expect(resumed).toMatchObject({ ok: true, observed: 'blue' });
  expect(await held).toBe('blue');
});

test.skipIf(skip)('what was given up does not land on what came after it', async () => {
  const stop = new AbortController();
  consoleProxy.stall();
  const first = routes.point('green', 3n, { deadlineMs: 10_000, signal: stop.signal });
  stop.abort();
  const given = await first;
  expect(given.every(({ ok }) => !ok)).toBe(true);
  consoleProxy.heal();
  const [second] = await routes.point('blue', 4n, { deadlineMs: 1_500 });
  expect(second).toMatchObject({ ok: true, observed: 'blue' });
  expect(await databaseThrough()).toBe('blue');
  expect((await routes.probe({ deadlineMs: 500 }))[0]?.routedTo).toBe('blue');
});

test.skipIf(skip)('a loop that turns at once does not flood what fails', async () => {
  const limits = { deadlineMs: 1_000 };
  const first = await routes.reconcile('blue', 3n, limits);
  const before = performance.now();
  const earlier = hits;
  for (let turn = 0; turn < 50; turn += 1) {
    const again = await routes.reconcile('blue', 3n, limits);
    expect(summary(again)).toEqual(summary(first));
  }
  // Unbridled, fifty turns are 150 requests: a probe, a POST and a reading back each.
  expect(performance.now() - before).toBeLessThan(10_000);
  expect(hits - earlier).toBeLessThan(45);
  // Another aim is a new task: it is tried at once.
  await routes.reconcile('blue', 4n, limits);
  expect(hits).toBeGreaterThan(earlier);
});
