import { deferred } from '@turnout/core/waiting';
import { makeEvent, type CloudEvent } from '@turnout/contracts/events';
import { openSession } from '@turnout/postgres/session';
import { openStore } from '@turnout/store/store';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bus } from './bus.js';
import { openBus } from './open-bus.js';

let cluster: Cluster;
let url: string;
let bus: Bus;
const logger = { warn: () => undefined };
const config = { kind: 'postgres', brokers: [], topicPrefix: 'turnout' } as const;

beforeAll(async () => {
  cluster = await startCluster({ version: '13', name: 'bus' });
  url = await cluster.createDatabase('control');
  const store = await openStore({ endpoint: { url }, applicationName: 'turnout/0/store/test' });
  await store.migrate();
  await store.close();
  bus = await openBus(config, { endpoint: { url }, logger });
});

afterAll(async () => {
  await bus?.close();
  await cluster?.[Symbol.asyncDispose]();
});

const event = (sequence: number): CloudEvent =>
  makeEvent({
    type: 'turnout.test.made.v1',
    pair: 'shop',
    sequence,
    data: {},
    time: '2026-01-01T00:00:00.000Z',
    source: '/test',
  });

test('each event reaches one member of each group, in the order of publishing', async () => {
  const seen: Record<string, number[]> = { one: [], two: [] };
  const all = deferred();
  const subscribe = async (group: 'one' | 'two') => {
    const subscription = await bus.subscribe('events', group, async ({ sequence }) => {
      seen[group]!.push(sequence);
      if (seen['one']!.length === 200 && seen['two']!.length === 200) all.resolve();
    });
    await subscription.ready;
    return subscription;
  };
  const subscriptions = await Promise.all([subscribe('one'), subscribe('one'), subscribe('two')]);
  for (let sequence = 1; sequence <= 200; sequence += 1) {
    await bus.publish('events', event(sequence));
  }
  await all.promise;
  const expected = Array.from({ length: 200 }, (_, index) => index + 1);
  expect(seen).toEqual({ one: expected, two: expected });
  await Promise.all(subscriptions.map((each) => each.close()));
});

test('a publisher that commits late loses no event of a reader that is ahead', async () => {
  const seen: number[] = [];
  const both = deferred();
  const subscription = await bus.subscribe('links', 'late', async ({ sequence }) => {
    if (seen.push(sequence) === 2) both.resolve();
  });
  await subscription.ready;
  const slow = await openSession({ endpoint: { url }, applicationName: 'slow' });
  const publish = `select turnout_control.publish('turnout.links', $1::jsonb)`;
  await slow.query('begin');
  await slow.query(publish, [JSON.stringify([event(1)])]);
  const second = bus.deliver('links', [event(2)]);
  await slow.query('commit');
  await second;
  await both.promise;
  expect(seen).toEqual([1, 2]);
  await slow.end();
  await subscription.close();
});

test('events go on after every connection of the bus was cut', async () => {
  const after = deferred<number>();
  const subscription = await bus.subscribe('lag', 'cut', async ({ sequence }) => {
    if (sequence > 1) after.resolve(sequence);
  });
  await subscription.ready;
  const admin = await openSession({ endpoint: { url }, applicationName: 'admin' });
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'turnout/0/bus/%'`,
  );
  await admin.end();
  await bus.publish('lag', event(2));
  expect(await after.promise).toBe(2);
  await subscription.close();
});
