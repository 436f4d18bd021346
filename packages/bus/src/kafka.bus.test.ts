import { deferred } from '@turnout/core/waiting';
import { makeEvent, type CloudEvent } from '@turnout/contracts/events';
import { kafkaMissing, startKafka, type Kafka } from '@turnout/testkit/kafka';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Bus } from './bus.js';
import { openBus } from './open-bus.js';

const event = (sequence: number): CloudEvent =>
  makeEvent({
    type: 'turnout.test.made.v1',
    pair: 'shop',
    sequence,
    data: { sequence },
    time: '2026-01-01T00:00:00.000Z',
    source: '/test',
  });

describe.skipIf((await kafkaMissing()) !== null)('kafka', () => {
  let kafka: Kafka;
  let bus: Bus;

  beforeAll(async () => {
    kafka = await startKafka();
    bus = await openBus(
      { kind: 'kafka', brokers: kafka.brokers, topicPrefix: 'turnout' },
      { endpoint: { url: 'postgres://unused@127.0.0.1/none' }, logger: { warn: () => undefined } },
    );
  }, 90_000);

  afterAll(async () => {
    await bus?.close();
    await kafka?.[Symbol.asyncDispose]();
  }, 30_000);

  test('events arrive in order and whole', async () => {
    const seen: CloudEvent[] = [];
    const all = deferred();
    const subscription = await bus.subscribe('links', 'test', async (each) => {
      if (seen.push(each) === 50) all.resolve();
    });
    await subscription.ready;
    for (let sequence = 1; sequence <= 50; sequence += 1)
      await bus.publish('links', event(sequence));
    await all.promise;
    expect(seen).toEqual(Array.from({ length: 50 }, (_, index) => event(index + 1)));
    await subscription.close();
  }, 60_000);

  test('a broker that dies delays news and fails nobody', async () => {
    const arrived = deferred<number>();
    const subscription = await bus.subscribe('events', 'crash', async ({ sequence }) => {
      if (sequence === 101) arrived.resolve(sequence);
    });
    await subscription.ready;
    await kafka.crash();
    await bus.publish('events', event(101));
    await expect(bus.deliver('events', [event(100)])).rejects.toMatchObject({ code: 'TRN6004' });
    expect(bus.healthy().ok).toBe(false);
    await kafka.start();
    expect(await arrived.promise).toBe(101);
    await subscription.close();
  }, 120_000);
});
