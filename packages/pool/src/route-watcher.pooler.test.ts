import { deferred, waitUntil } from '@turnout/core/waiting';
import { mustSkip } from '@turnout/testkit/availability';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { redisMissing, startRedis, type Redis as RedisServer } from '@turnout/testkit/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createPool, type TurnoutPool } from './pool.js';
import { parseRoute } from './route-watcher.js';

const skip = await mustSkip(redisMissing);
const KEY = 'turnout:shop:route';
const WHERE = 'select current_database() as name';
let cluster: Cluster;
let server: RedisServer;
let redis: Redis;
let pool: TurnoutPool;

beforeAll(async () => {
  if (skip) return;
  cluster = await startCluster({ version: '15', name: 'watcher' });
  await cluster.createDatabase('blue');
  await cluster.createDatabase('green');
  server = await startRedis();
});

beforeEach(async () => {
  if (skip) return;
  redis = new Redis(server.url);
  redis.on('error', () => undefined);
  await redis.flushall();
});

afterEach(async () => {
  await pool?.end();
  redis?.disconnect();
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
});

function open(): TurnoutPool {
  pool = createPool({
    blue: cluster.url('blue'),
    green: cluster.url('green'),
    pair: 'shop',
    route: { redis: server.url },
    // Only a notification can make it ask again within this test.
    recheckMs: 3_600_000,
  });
  return pool;
}

async function setSide(side: 'blue' | 'green', state: 'open' | 'closed'): Promise<void> {
  const client = new pg.Client(cluster.url(side));
  await client.connect();
  await client.query(
    `create schema if not exists turnout;
     create table if not exists turnout.side (state text, fence_epoch bigint);
     truncate turnout.side;
     insert into turnout.side values ('${state}', 1)`,
  );
  await client.end();
}

async function tell(side: 'blue' | 'green'): Promise<void> {
  const value = JSON.stringify({ side, epoch: 2 });
  await redis.set(KEY, value);
  const heard = await waitUntil(async () => (await redis.publish(KEY, value)) || undefined, {
    timeoutMs: 5_000,
    intervalMs: 5,
    onTimeout: () => new Error('the pool does not listen'),
  });
  expect(heard).toBe(1);
}

test.skipIf(skip)('without Turnout on the sides the route tells green from blue', async () => {
  await redis.set(KEY, JSON.stringify({ side: 'green', epoch: 2 }));
  open();
  expect((await pool.query(WHERE)).rows).toEqual([{ name: 'green' }]);
});

test.skipIf(skip)(
  'a notification makes a pool that only reads ask at once, and a lie changes nothing',
  async () => {
    await setSide('blue', 'open');
    await setSide('green', 'closed');
    open();
    expect((await pool.query(WHERE)).rows).toEqual([{ name: 'blue' }]);
    // The sides are asked: what Redis says without them is not believed.
    await tell('green');
    expect((await pool.query(WHERE)).rows).toEqual([{ name: 'blue' }]);

    await setSide('blue', 'closed');
    await setSide('green', 'open');
    const moved = deferred<string>();
    pool.once('moved', (side: string) => moved.resolve(side));
    await tell('green');
    expect(await moved.promise).toBe('green');
    expect((await pool.query(WHERE)).rows).toEqual([{ name: 'green' }]);
  },
);

test.skipIf(skip)('a dead Redis is no reason not to work', async () => {
  await server.crash();
  open();
  expect((await pool.query(WHERE)).rows).toEqual([{ name: 'green' }]);
  await server.start();
});

test.each(['', 'null', '{}', '{"side":"red"}', '[', '"blue"'])('%j is no route', (text) => {
  expect(parseRoute(text)).toBeNull();
});
