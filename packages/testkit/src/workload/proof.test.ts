import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareRows } from './comparison.js';
import { LedgerFile, readLedger, type WriterLedger } from './ledger-file.js';
import { longestGapMs } from './stalls.js';

const ledger: WriterLedger = {
  writer: 1,
  announced: 200,
  attempted: new Set([1, 2, 3]),
  acknowledged: new Map([
    [1, 10],
    [2, 20],
  ]),
  errors: [{ seq: 3, outcome: 'unknown', code: '57P01' }],
};

function row(seq: number, in_ledger = 1, in_audit_log = 1, writer = 1) {
  return { writer, seq, in_ledger, in_audit_log };
}

test('an unknown outcome may be there or not', () => {
  for (const rows of [
    [row(1), row(2)],
    [row(1), row(2), row(3)],
  ]) {
    const found = compareRows([ledger], rows, new Map([[1, rows.length]]));
    expect(found).toMatchObject({ attempted: 3, acknowledged: 2, clientErrors: 1 });
    expect(found).toMatchObject({ lost: 0, duplicated: 0, unexplained: 0 });
  }
});

test.each([
  ['acknowledged but absent', [row(1)], 1, { lost: 1, duplicated: 0, unexplained: 0 }],
  ['in a table twice', [row(1), row(2, 1, 2)], 2, { lost: 0, duplicated: 1, unexplained: 0 }],
  ['counted twice', [row(1), row(2)], 3, { lost: 0, duplicated: 1, unexplained: 0 }],
  ['never attempted', [row(1), row(2), row(9)], 3, { lost: 0, duplicated: 0, unexplained: 1 }],
  ['there in part', [row(1), row(2, 1, 0)], 2, { lost: 0, duplicated: 0, unexplained: 1 }],
  ['not counted', [row(1), row(2)], 1, { lost: 0, duplicated: 0, unexplained: 1 }],
  ['of nobody', [row(1), row(2), row(1, 1, 1, 7)], 2, { lost: 0, duplicated: 0, unexplained: 1 }],
])('a transaction %s is found', (_, rows, counted, expected) => {
  expect(compareRows([ledger], rows, new Map([[1, counted]]))).toMatchObject(expected);
});

test('a ledger reads back as it was written', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'turnout-ledger-'));
  try {
    const path = join(directory, 'one');
    const file = new LedgerFile(path, 4);
    file.attempt(1);
    file.acknowledge(1);
    file.attempt(2);
    file.error(2, 'failed', '25 006');
    file.close();
    const read = await readLedger(path);
    expect(read).toMatchObject({ writer: 4, attempted: new Set([1, 2]) });
    expect(read.announced).toBeGreaterThanOrEqual(2);
    expect([...read.acknowledged.keys()]).toEqual([1]);
    expect(read.errors).toEqual([{ seq: 2, outcome: 'failed', code: '25_006' }]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('a stall that began before the span and ended after it counts whole', () => {
  const watched = { fromMs: 0, untilMs: 600 };
  expect(longestGapMs([0, 10, 500, 510], { fromMs: 100, untilMs: 200 }, watched)).toBe(490);
  const short = { fromMs: 0, untilMs: 320 };
  expect(longestGapMs([0, 300, 310, 320], { fromMs: 305, untilMs: 320 }, short)).toBe(10);
});

test('a writer that is never acknowledged again stalls until watching ended', () => {
  const span = { fromMs: 5, untilMs: 100 };
  expect(longestGapMs([0, 10], span, { fromMs: 0, untilMs: 400 })).toBe(390);
});

test('a writer that was told to stop right after the switch did not stall', () => {
  const span = { fromMs: 50, untilMs: 100 };
  expect(longestGapMs([0, 45, 95], span, { fromMs: 0, untilMs: 100 })).toBe(50);
});

test('a transaction under way when writers were told to stop ends its gap itself', () => {
  const span = { fromMs: 50, untilMs: 100 };
  expect(longestGapMs([0, 60, 900], span, { fromMs: 0, untilMs: 600 })).toBe(840);
  expect(longestGapMs([0, 60, 650], span, { fromMs: 0, untilMs: 600 })).toBe(590);
});

test('a writer that was never acknowledged stalled from the beginning', () => {
  const span = { fromMs: 50, untilMs: 100 };
  expect(longestGapMs([], span, { fromMs: 20, untilMs: 600 })).toBe(580);
});
