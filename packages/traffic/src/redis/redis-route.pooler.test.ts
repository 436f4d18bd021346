import { deferred } from '@turnout/core/waiting';
import { mustSkip } from '@turnout/testkit/availability';
import { redisMissing, startRedis, type Redis as RedisServer } from '@turnout/testkit/redis';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRoutes } from '../route-config.js';
import { RedisRoute } from './redis-route.js';

const skip = await mustSkip(redisMissing);
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
  await route.close();
  client.disconnect();
});

afterAll(() => server?.[Symbol.asyncDispose]());

test.skipIf(skip)('it is set, told to subscribers, and read back', async () => {
  const told = deferred<string>();
  client.on('message', (_channel, text: string) => told.resolve(text));
  await client.subscribe('turnout:shop:route');
  expect(await route.probe()).toBe('unknown');
  await route.point('green', { epoch: 12n });
  expect(JSON.parse(await told.promise)).toEqual({ side: 'green', epoch: 12 });
  expect(await route.probe()).toBe('green');
});

test.skipIf(skip)('an older epoch never overwrites a later one', async () => {
  await route.point('green', { epoch: 12n });
  await expect(route.point('blue', { epoch: 11n })).rejects.toMatchObject({
    code: 'TRN5014',
    facts: { wanted: 'blue', observed: 'green', observed_epoch: 12 },
  });
  expect(await route.probe()).toBe('green');
  await route.point('blue', { epoch: 13n });
  expect(await route.probe()).toBe('blue');
});

test.skipIf(skip)('what somebody else wrote there is replaced', async () => {
  await client.set('turnout:shop:route', 'not json');
  expect(await route.probe()).toBe('unknown');
  await route.point('blue', { epoch: 1n });
  expect(await route.probe()).toBe('blue');
});

test.skipIf(skip)('a wiped Redis is filled again; a dead one is unknown, at once', async () => {
  const routes = createRoutes([{ redis: {} }], {
    pair: 'shop',
    sideUrls: { blue: 'postgres://a/blue', green: 'postgres://b/green' },
    redisUrl: server.url,
  });
  await routes.reconcile('green', 5n);
  await client.flushall();
  expect(await routes.reachable()).toBe(false);
  await routes.reconcile('green', 5n);
  expect(await routes.reachable()).toBe(true);

  await server.crash();
  const before = performance.now();
  expect(await routes.reachable()).toBe(false);
  await expect(routes.point('green', 5n)).rejects.toMatchObject({ code: 'TRN5014' });
  expect(performance.now() - before).toBeLessThan(5_000);
  await server.start();
  await routes.reconcile('green', 5n);
  expect(await routes.reachable()).toBe(true);
  await routes.close();
});
