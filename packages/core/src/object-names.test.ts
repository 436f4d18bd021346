import { expect, test } from 'vitest';
import { objectName, parseObjectName, parseSessionName, sessionName } from './object-names.js';

test('an object name round-trips, also when the pair name itself holds a direction word', () => {
  const name = objectName('shop_reverse', 'forward');
  expect(name).toBe('turnout_shop_reverse_forward');
  expect(parseObjectName(name)).toEqual({ pair: 'shop_reverse', purpose: 'forward' });
});

test('the longest pair name stays within an identifier', () => {
  expect(objectName('a'.repeat(31), 'forward').length).toBeLessThanOrEqual(63);
});

test.each(['Shop', '1shop', 'a-b', '', 'a'.repeat(32)])('pair name %j is refused', (pair) => {
  expect(() => objectName(pair, 'check')).toThrow(TypeError);
});

test('the epoch in a session name is delimited', () => {
  expect(parseSessionName(sessionName(10n, 'fence', 'shop'))?.epoch).toBe(10n);
  expect(sessionName(10n, 'fence', 'shop').startsWith('turnout/1/')).toBe(false);
});
