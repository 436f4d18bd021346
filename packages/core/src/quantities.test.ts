import { expect, test } from 'vitest';
import { formatMs, parseDurationMs, parseSizeBytes, percentile } from './quantities.js';

test.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [1_500, '1.5 s'],
  [61_000, '1 m 1 s'],
  [86_400_000, '24 h'],
  [5_400_000, '1 h 30 m'],
])('%d ms prints as %s', (ms, text) => {
  expect(formatMs(ms)).toBe(text);
});

test('what is not a duration or size is null, not 0', () => {
  expect([
    parseDurationMs('5s'),
    parseDurationMs('5'),
    parseSizeBytes('8MB'),
    parseSizeBytes('x'),
  ]).toEqual([5_000, null, 8_388_608, null]);
});

test('a percentile of nothing is not known', () => {
  expect(percentile([], 50)).toBeNull();
  expect(percentile([3, 1, 2], 50)).toBe(2);
});
