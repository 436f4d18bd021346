import { expect, test } from 'vitest';
import { serverFacts } from './server-message.js';

const raised = (code: string, message: string): Error =>
  Object.assign(new Error(message), { code, severity: 'ERROR' });

test.each([
  ['42501', 'permission denied for table orders'],
  ['23505', 'could not create unique index "orders_code"'],
  ['0A000', 'extension "x" is not available'],
])('a message of %s names objects and is kept', (sqlstate, message) => {
  expect(serverFacts(raised(sqlstate, message))).toEqual({ sqlstate, message });
});

test.each([
  ['22P02', 'invalid input syntax for type integer: "secret"'],
  ['P0001', 'order of secret refused'],
  ['42601', 'syntax error at or near "secret"'],
])('a message of %s may hold a value and is not', (sqlstate, message) => {
  expect(serverFacts(raised(sqlstate, message))).toEqual({ sqlstate, message: null });
});

test('what is no error of a server says nothing', () => {
  expect(serverFacts(new Error('socket hang up'))).toEqual({ sqlstate: null, message: null });
});
