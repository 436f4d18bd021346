import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesBetween, formatLsn, lsn, parseLsn } from './lsn.js';

test('the two text forms of one position are the same position', () => {
  expect(parseLsn('0/144EDD50')).toBe(parseLsn('00000000/144EDD50'));
});

test('formatting and parsing are inverse over the whole range', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), (value) => {
      expect(parseLsn(formatLsn(lsn(value)))).toBe(value);
    }),
  );
});

test.each(['', '1', 'G/1', '1/2/3', '-1/0'])('%j is refused', (text) => {
  expect(() => parseLsn(text)).toThrow(TypeError);
});

test('a distance is never negative', () => {
  expect(bytesBetween(lsn(10n), lsn(4n))).toBe(0);
  expect(bytesBetween(lsn(4n), lsn(10n))).toBe(6);
});
