import { parse } from 'libpg-query';
import { expect, test } from 'vitest';
import { GUARD_KINDS, guardBody } from './guard.js';

const until = '2030-01-02T03:04:05Z';

test.each(GUARD_KINDS)('the body %s parses and holds no placeholder', async (kind) => {
  const sql = guardBody(kind, { otherSide: 'green', until });
  await expect(parse(sql)).resolves.toBeDefined();
  expect(sql).not.toMatch(/:(hint|until)\b/);
});

test('a refused writer reads where writes go', () => {
  expect(guardBody('closed', { otherSide: 'green' })).toContain('Writes go to green');
});

test.each([undefined, '', 'soon', `2030'; drop table x; --`])('time %j is refused', (value) => {
  expect(() => guardBody('closed_until', { until: value })).toThrow(TypeError);
});
