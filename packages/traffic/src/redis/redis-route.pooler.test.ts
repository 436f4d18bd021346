import { deferred, waitUntil } from '@turnout/core/waiting';
import { mustSkip } from '@turnout/testkit/availability';
import { redisMissing, startRedis, type Redis as RedisServer } from '@turnout/testkit/redis';
import { startProxy } from '@turnout/testkit/tcp-proxy';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRoutes } from '../route-config.js';
import type { Routes } from '../routes.js';
import { RedisRoute } from './redis-route.js';

const skip = await mustSkip(redisMissing);
const { signal } = new AbortController();
let server: RedisServer;
let route: RedisRoute;
let client: Redis;

beforeAll(async () => {
  if (!skip) server = await startRedis();
});

beforeEach(async () => {
  if (skip) return;
  route = new RedisRoute({ url: server.url, pair: 'shop', timeoutMs: 500 });
  client = new Redis(server.url);
  client.on('error', () => undefined);
  await client.flushall();
});

afterEach(async () => {
  client.disconnect();
});

afterAll(() => server?.[Symbol.asyncDispose]());

test.skipIf(skip)('it is set, told to subscribers, and read back', async () => {
  const told = deferred<string>();
  client.on('message', (_channel, text: string) => told.resolve(text));
  await client.subscribe('turnout:shop:route');
  expect((await route.probe({ signal })).routedTo).toBe('unknown');
  await route.point('green', { epoch: 12n, signal });
  expect(JSON.parse(await told.promise)).toEqual({ side: 'green', epoch: 12 });
  expect((await route.probe({ signal })).routedTo).toBe('green');
});

test.skipIf(skip)('an older epoch never overwrites a later one', async () => {
  await route.point('green', { epoch: 12n, signal });
  await expect(route.point('blue', { epoch: 11n, signal })).rejects.toMatchObject({
    code: 'TRN5014',
    facts: { wanted: 'blue', observed: 'green', observed_epoch: 12 },
  });
  expect((await route.probe({ signal })).routedTo).toBe('green');
  await route.point('blue', { epoch: 13n, signal });
  expect((await route.probe({ signal })).routedTo).toBe('blue');
});

test.skipIf(skip)('what somebody else wrote there is replaced', async () => {
  await client.set('turnout:shop:route', 'not json');
  expect((await route.probe({ signal })).routedTo).toBe('unknown');
  await route.point('blue', { epoch: 1n, signal });
  expect((await route.probe({ signal })).routedTo).toBe('blue');
});

const LIMITS = { deadlineMs: 5_000 };

function routesTo(redisUrl: string): Routes {
  const sideUrls = { blue: 'postgres://a/blue', green: 'postgres://b/green' };
  return createRoutes([{ redis: {} }], { pair: 'shop', sideUrls, redisUrl });
}

async function routedTo(routes: Routes): Promise<string | undefined> {
  return (await routes.probe(LIMITS))[0]?.routedTo;
}

test.skipIf(skip)('a wiped Redis is filled again; a dead one is told at once', async () => {
  const routes = routesTo(server.url);
  await routes.reconcile('green', 5n, LIMITS);
  await client.flushall();
  expect(await routes.probe(LIMITS)).toMatchObject([
    { routedTo: 'unknown', why: 'the key is not set' },
  ]);
  await routes.reconcile('green', 5n, LIMITS);
  expect(await routedTo(routes)).toBe('green');

  await server.crash();
  const before = performance.now();
  expect(await routes.point('green', 5n, LIMITS)).toMatchObject([
    { kind: 'redis', ok: false, observed: 'unknown', error: { code: 'TRN5014' } },
  ]);
  expect(await routes.probe(LIMITS)).toMatchObject([
    { routedTo: 'unknown', why: expect.stringContaining('ECONNREFUSED') },
  ]);
  expect(performance.now() - before).toBeLessThan(2_000);
  await server.start();
  expect(await routes.reconcile('green', 5n, LIMITS)).toMatchObject([{ ok: true, error: null }]);
  await routes.close();
});

test.skipIf(skip)(
  'a Redis that takes connections and says nothing ends with the deadline',
  async () => {
    await using proxy = await startProxy({ targetPort: server.port });
    const routes = routesTo(`redis://127.0.0.1:${proxy.port}`);
    expect(await routes.point('blue', 1n, LIMITS)).toMatchObject([{ ok: true }]);
    proxy.stall();
    const before = performance.now();
    const [outcome] = await routes.point('green', 2n, { deadlineMs: 400 });
    expect(performance.now() - before).toBeLessThan(1_500);
    expect(outcome).toMatchObject({ ok: false, error: { code: 'TRN5014' } });
    const stop = new AbortController();
    const cancelled = routes.probe({ deadlineMs: 60_000, signal: stop.signal });
    stop.abort();
    expect(await cancelled).toMatchObject([{ routedTo: 'unknown' }]);
    // What was given up is neither kept open nor sent when the network is back.
    proxy.heal();
    await waitUntil(async () => (proxy.connections === 0 ? true : undefined), {
      timeoutMs: 5_000,
      intervalMs: 5,
      onTimeout: () => new Error(`${proxy.connections} connections are left`),
    });
    expect(await routedTo(routes)).toBe('blue');
    expect(await routes.reconcile('green', 2n, LIMITS)).toMatchObject([{ ok: true }]);
    await routes.close();
  },
);
