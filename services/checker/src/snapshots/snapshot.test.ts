import { expect, test } from 'vitest';
import { extendXid, isVisible, parseSnapshot } from './snapshot.js';

test('a snapshot sees what ended before it and not what was in progress', () => {
  const snapshot = parseSnapshot('782:784:782');
  expect([781n, 782n, 783n, 784n].map((xid) => isVisible(snapshot, xid))).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(parseSnapshot('5:5:').inProgress.size).toBe(0);
  expect(() => parseSnapshot('5:5')).toThrow(TypeError);
});

test('a 32-bit id belongs to the epoch that is nearest, also across its edge', () => {
  const edge = 3n << 32n;
  expect(extendXid(7, edge + 9n)).toBe(edge + 7n);
  expect(extendXid(0xffff_fff0, edge + 9n)).toBe(edge - 16n);
  expect(extendXid(3, edge - 5n)).toBe(edge + 3n);
  expect(extendXid(2 ** 31 + 5, 2n ** 31n)).toBe(2n ** 31n + 5n);
  expect(extendXid(0xffff_fff0, 9n)).toBe(0xffff_fff0n);
});
