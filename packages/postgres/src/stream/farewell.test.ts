import { lsn } from '@turnout/core/lsn';
import { expect, test } from 'vitest';
import { FarewellDetector } from './farewell.js';

const END = lsn(0x10n);

test('three requests in a row for one position mean that the server is going', () => {
  const farewell = new FarewellDetector(60_000);
  expect([0, 5, 10].map((ms) => farewell.asked(END, ms))).toEqual([false, false, true]);
});

test('new WAL or a message in between starts the count again', () => {
  const farewell = new FarewellDetector(0);
  farewell.asked(END, 0);
  farewell.asked(END, 5);
  expect(farewell.asked(lsn(0x20n), 10)).toBe(false);
  farewell.asked(lsn(0x20n), 15);
  farewell.reset();
  expect(farewell.asked(lsn(0x20n), 20)).toBe(false);
});

test('questions of liveness are as far apart as half the timeout and never count', () => {
  for (const timeoutMs of [1_000, 4_000, 60_000]) {
    const farewell = new FarewellDetector(timeoutMs);
    const answers = [0, 1, 2, 3, 4].map((n) => farewell.asked(END, (n * timeoutMs) / 2));
    expect(answers).not.toContain(true);
  }
});
