import { expect, test } from 'vitest';
import { isSelected, matchesPattern } from './table-patterns.js';

const orders = { schema: 'sales', name: 'orders' };

test.each([
  ['sales.orders', true],
  ['sales.*', true],
  ['*.orders', true],
  ['orders', true],
  ['ord*', true],
  ['order', false],
  ['sales.order', false],
  ['salesXorders', false],
  ['public.*', false],
])('pattern %s matches sales.orders: %s', (pattern, expected) => {
  expect(matchesPattern(pattern, orders)).toBe(expected);
});

test('nothing included means everything, and exclusion wins', () => {
  expect(isSelected(orders, { include: [], exclude: [] })).toBe(true);
  expect(isSelected(orders, { include: ['sales.*'], exclude: ['orders'] })).toBe(false);
  expect(isSelected(orders, { include: ['public.*'], exclude: [] })).toBe(false);
});
