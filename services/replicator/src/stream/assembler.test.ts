import { expect, test } from 'vitest';
import { systemClock } from '@turnout/core/clock';
import { lsn } from '@turnout/core/lsn';
import type { Change } from '@turnout/postgres/pgoutput/messages';
import { Assembler } from './assembler.js';
import { ItemQueue } from './item-queue.js';
import { MemoryMeter } from './memory-meter.js';

function stream({ limitBytes = 1_000, largeBytes = 100 } = {}) {
  const queue = new ItemQueue();
  const meter = new MemoryMeter(limitBytes);
  const valve = { reading: true };
  meter.connect({
    pauseReading: () => (valve.reading = false),
    resumeReading: () => (valve.reading = true),
  });
  const assembler = new Assembler({ queue, meter, largeBytes, clock: systemClock });
  const begin = (final: bigint): void =>
    assembler.onMessage({ kind: 'begin', finalLsn: lsn(final), xid: 7, committedAtUs: 0n }, 10);
  const commit = (final: bigint): void =>
    assembler.onMessage({ kind: 'commit', finalLsn: lsn(final), endLsn: lsn(final + 8n) }, 10);
  return { queue, meter, valve, assembler, begin, commit };
}

function insert(schema: string, name: string): Change {
  const relation = { oid: 1, schema, name, identity: 'default', columns: [] } as const;
  return { kind: 'insert', relation, row: [] };
}

test('a keepalive inside an open transaction says nothing', () => {
  const { queue, assembler, begin, commit } = stream();
  begin(10n);
  assembler.onKeepalive(lsn(99n));
  commit(10n);
  assembler.onKeepalive(lsn(100n));
  assembler.onKeepalive(lsn(101n));
  expect(queue.shift()).toMatchObject({ type: 'whole', kind: 'empty', endLsn: 18n });
  expect(queue.shift()).toEqual({ type: 'idle', walEnd: 101n });
  expect(queue.shift()).toBeUndefined();
});

test('our own transactions keep their first change only, whatever their size', () => {
  const { queue, meter, assembler, begin, commit } = stream();
  begin(10n);
  assembler.onMessage(insert('turnout', 'progress'), 20);
  for (let n = 0; n < 100; n += 1) assembler.onMessage(insert('public', 'orders'), 500);
  commit(10n);
  expect(meter.bytes).toBe(20);
  expect(queue.shift()).toMatchObject({ kind: 'ours', bytes: 20, changes: [{ kind: 'insert' }] });
});

test('a large transaction is handed over while it arrives, and reading waits for the applier', async () => {
  const { queue, valve, assembler, begin, commit } = stream({ limitBytes: 300 });
  begin(10n);
  for (let n = 0; n < 5; n += 1) assembler.onMessage(insert('public', 'orders'), 80);
  expect(valve.reading).toBe(false);
  const large = queue.shift();
  expect(large?.type).toBe('large');
  if (large?.type !== 'large') return;
  let changes = 0;
  commit(10n);
  for await (const chunk of large.chunks) changes += chunk.length;
  expect(changes).toBe(5);
  expect(await large.committed).toBe(18n);
  expect(valve.reading).toBe(true);
});

test('a failure comes after what was received before it, also into an open large transaction', async () => {
  const { queue, assembler, begin, commit } = stream();
  begin(10n);
  commit(10n);
  begin(20n);
  for (let n = 0; n < 5; n += 1) assembler.onMessage(insert('public', 'orders'), 80);
  assembler.fail(new Error('gone'));
  expect(queue.shift()).toMatchObject({ type: 'whole' });
  const large = queue.shift();
  expect(() => queue.shift()).toThrow('gone');
  if (large?.type !== 'large') throw new Error('a large transaction was expected');
  await expect(
    (async () => {
      for await (const _ of large.chunks);
    })(),
  ).rejects.toThrow('gone');
});

test('a broken order of messages becomes a failure of the queue, not a throw in the socket', () => {
  const { queue, assembler } = stream();
  expect(() => assembler.onMessage(insert('public', 'orders'), 10)).not.toThrow();
  expect(() => queue.shift()).toThrow(/outside a transaction/);
});
