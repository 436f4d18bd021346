import { deferred } from '@turnout/core/waiting';
import type { CloudEvent } from '@turnout/contracts/events';
import { expect, test } from 'vitest';
import { JournalRelay, type RelayEntry, type RelaySource } from './journal-relay.js';
import { MemoryTransport } from './memory.js';
import { Outbox } from './outbox.js';

const logger = { warn: () => undefined };

const entry = (revision: number): RelayEntry => ({
  revision,
  at: '2026-01-01T00:00:00Z',
  type: 'phase_changed',
  actor: 'test',
  accepted: true,
  data: { phase: 'ready' },
});

/** A journal in memory whose position is as durable as this process. */
function journal(entries: RelayEntry[]): RelaySource & { at: number } {
  const source = {
    at: 0,
    pairs: async () => ['shop'],
    read: async (_pair: string, after: number, limit: number) =>
      entries.filter(({ revision }) => revision > after).slice(0, limit),
    position: async () => source.at,
    advance: async (_pair: string, revision: number) => {
      source.at = revision;
    },
  };
  return source;
}

test('entries are published in order once woken, and the position follows', async () => {
  const bus = new Outbox(new MemoryTransport(logger), { logger });
  const entries = Array.from({ length: 250 }, (_, index) => entry(index + 1));
  const source = journal(entries);
  const seen: CloudEvent[] = [];
  const first = deferred();
  const second = deferred();
  await bus.subscribe('events', 'test', async (event) => {
    seen.push(event);
    if (seen.length === 250) first.resolve();
    if (seen.length === 251) second.resolve();
  });
  const stop = new AbortController();
  const relay = new JournalRelay(source, bus, logger);
  const running = relay.run(stop.signal);
  await first.promise;
  entries.push(entry(251));
  relay.wake();
  await second.promise;
  stop.abort();
  await running;
  expect(seen.map(({ sequence }) => sequence)).toEqual(entries.map(({ revision }) => revision));
  expect(seen[0]).toMatchObject({
    type: 'turnout.pair.phase_changed.v1',
    subject: 'shop',
    data: { phase: 'ready', actor: 'test', accepted: true },
  });
  expect(source.at).toBe(251);
  await bus.close();
});

test('what the bus refuses stays in the journal and is published later', async () => {
  let refusals = 2;
  const taken = deferred<number>();
  const transport = new MemoryTransport(logger);
  const bus = new Outbox(
    {
      send: async (topic, events) => {
        if (refusals > 0) {
          refusals -= 1;
          throw new Error('away');
        }
        await transport.send(topic, events);
        taken.resolve(events.length);
      },
      subscribe: (...each) => transport.subscribe(...each),
      healthy: () => transport.healthy(),
      close: () => transport.close(),
    },
    { logger },
  );
  const source = journal([entry(1), entry(2)]);
  const relay = new JournalRelay(source, bus, logger);
  const stop = new AbortController();
  const running = relay.run(stop.signal);
  expect(await taken.promise).toBe(2);
  stop.abort();
  await running;
  expect(source.at).toBe(2);
  await bus.close();
});
