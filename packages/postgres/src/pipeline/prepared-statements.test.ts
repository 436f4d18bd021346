import { expect, test } from 'vitest';
import { PreparedStatements } from './prepared-statements.js';

test('a statement is parsed once, and anew when its text changes', () => {
  const prepared = new PreparedStatements(10);
  expect(prepared.prepare('a', 'select 1')).toEqual({ close: ['a'], parse: true });
  expect(prepared.prepare('a', 'select 1')).toEqual({ close: [], parse: false });
  expect(prepared.prepare('a', 'select 2')).toEqual({ close: ['a'], parse: true });
});

test('an unnamed statement is parsed every time and takes no place', () => {
  const prepared = new PreparedStatements(1);
  expect(prepared.prepare('', 'begin')).toEqual({ close: [], parse: true });
  expect(prepared.prepare('', 'begin')).toEqual({ close: [], parse: true });
  expect(prepared.size).toBe(0);
});

test('the least recently used statement is closed at the limit', () => {
  const prepared = new PreparedStatements(2);
  prepared.prepare('a', '1');
  prepared.prepare('b', '2');
  prepared.prepare('a', '1');
  expect(prepared.prepare('c', '3').close).toEqual(['c', 'b']);
  expect(prepared.prepare('a', '1').parse).toBe(false);
  expect(prepared.size).toBe(2);
});

test('after an error the statement is parsed again', () => {
  const prepared = new PreparedStatements(2);
  prepared.prepare('a', '1');
  prepared.describe('a', ['id']);
  prepared.forget('a');
  expect(prepared.columnsOf('a')).toBeNull();
  expect(prepared.prepare('a', '1').parse).toBe(true);
});
