import { deferred } from '@turnout/core/waiting';
import { expect, test } from 'vitest';
import { SharedRead } from './shared-read.js';

test('all who ask during a reading share the next one, which began after they asked', async () => {
  const readings = [deferred<number>(), deferred<number>(), deferred<number>()];
  let begun = 0;
  const shared = new SharedRead(() => readings[begun++]!.promise);
  const first = shared.fresh();
  const during = Array.from({ length: 300 }, () => shared.fresh());
  expect(begun).toBe(1);
  readings[0]!.resolve(1);
  expect(await first).toBe(1);
  readings[1]!.resolve(2);
  expect(new Set(await Promise.all(during))).toEqual(new Set([2]));
  expect(begun).toBe(2);
  readings[2]!.resolve(3);
  expect(await shared.fresh()).toBe(3);
});

test('a reading that fails fails those who share it, and no other', async () => {
  const readings = [Promise.reject(new Error('gone')), Promise.resolve(2)];
  let begun = 0;
  const shared = new SharedRead(() => readings[begun++]!);
  const first = shared.fresh();
  const second = shared.fresh();
  await expect(first).rejects.toThrow('gone');
  expect(await second).toBe(2);
});
