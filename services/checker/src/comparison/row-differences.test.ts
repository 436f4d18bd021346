import { expect, test } from 'vitest';
import { recordedDifferences } from '../checks/recorded-differences.js';
import { compareKeyed, compareMultisets, differingBuckets } from './row-differences.js';

test('rows are missing, extra or changed by key; a lost uniqueness shows as an extra row', () => {
  const source = new Map([
    ['1', ['a']],
    ['2', ['b']],
    ['3', ['c']],
  ]);
  const target = new Map([
    ['1', ['a']],
    ['2', ['x']],
    ['4', ['d']],
    ['3', ['c', 'c']],
  ]);
  const found = compareKeyed('t', source, target);
  expect(found.map(({ key, kind }) => [key, kind])).toEqual([
    ['2', 'changed'],
    ['3', 'extra'],
    ['4', 'extra'],
  ]);
});

test('rows without a key are counted, and every copy is recorded under a name of its own', () => {
  const found = compareMultisets('t', new Map([['d', 1]]), new Map([['d', 3]]));
  expect(recordedDifferences(found).map(({ key, kind }) => [key, kind])).toEqual([
    ['row d', 'extra'],
    ['row d #2', 'extra'],
  ]);
});

test('a bucket that is on one side only differs', () => {
  const bucket = { rows: '1', high: '5', low: '-7' };
  const source = new Map([
    [1, bucket],
    [2, bucket],
    [3, bucket],
  ]);
  const target = new Map([
    [1, bucket],
    [3, { ...bucket, low: '7' }],
    [9, bucket],
  ]);
  expect(differingBuckets(source, target)).toEqual([2, 3, 9]);
});
