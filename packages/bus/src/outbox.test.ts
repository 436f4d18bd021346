import { deferred } from '@turnout/core/waiting';
import { makeEvent, type CloudEvent } from '@turnout/contracts/events';
import { expect, test } from 'vitest';
import { MemoryTransport } from './memory.js';
import { Outbox } from './outbox.js';
import type { Transport } from './bus.js';

const logger = { warn: () => undefined };

const event = (sequence: number): CloudEvent =>
  makeEvent({
    type: 'turnout.test.made.v1',
    pair: 'shop',
    sequence,
    data: {},
    time: '2026-01-01T00:00:00.000Z',
    source: '/test',
  });

/** A transport that refuses until it is opened. */
function gatedTransport(): { transport: Transport; sent: number[]; open(): void } {
  const sent: number[] = [];
  let isOpen = false;
  const transport: Transport = {
    async send(_topic, events) {
      if (!isOpen) throw new Error('closed');
      sent.push(...events.map(({ sequence }) => sequence));
    },
    subscribe: () => Promise.reject(new Error('not here')),
    healthy: () => ({ ok: true, reason: null }),
    close: async () => undefined,
  };
  return {
    transport,
    sent,
    open: () => {
      isOpen = true;
    },
  };
}

test('publishing never rejects, the queue is bounded, and the oldest news goes first', async () => {
  const { transport, sent, open } = gatedTransport();
  let dropped = 0;
  const failed = deferred();
  const bus = new Outbox(transport, {
    logger: { warn: () => failed.resolve() },
    onFailure: () => {
      dropped += 1;
    },
  });
  for (let sequence = 1; sequence <= 1_500; sequence += 1)
    await bus.publish('links', event(sequence));
  await failed.promise;
  expect(bus.healthy().ok).toBe(false);
  expect(dropped).toBeGreaterThanOrEqual(500);
  open();
  await bus.close();
  expect(sent).toHaveLength(1_000);
  expect(sent.at(-1)).toBe(1_500);
});

test('a handler that rejects loses its own event only', async () => {
  const bus = new Outbox(new MemoryTransport(logger), { logger });
  const third = deferred();
  const seen: number[] = [];
  await bus.subscribe('lag', 'g', async ({ sequence }) => {
    if (sequence === 2) throw new Error('no');
    seen.push(sequence);
    if (sequence === 3) third.resolve();
  });
  for (const sequence of [1, 2, 3]) await bus.publish('lag', event(sequence));
  await third.promise;
  expect(seen).toEqual([1, 3]);
  await bus.close();
});

test('members of a group share, groups do not', async () => {
  const bus = new Outbox(new MemoryTransport(logger), { logger });
  const seen: string[] = [];
  const done = deferred();
  const join = (group: string) =>
    bus.subscribe('lag', group, async ({ sequence }) => {
      if (seen.push(`${group}${sequence}`) === 4) done.resolve();
    });
  await Promise.all([join('a'), join('a'), join('b')]);
  await bus.deliver('lag', [event(1), event(2)]);
  await done.promise;
  expect(seen.toSorted()).toEqual(['a1', 'a2', 'b1', 'b2']);
  await bus.close();
});
