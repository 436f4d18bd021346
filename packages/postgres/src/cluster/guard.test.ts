import { parse } from 'libpg-query';
import { expect, test } from 'vitest';
import { GUARD_BODIES } from '../generated/sql.js';
import { GUARD_KINDS, guardHint } from './guard.js';

test.each(GUARD_KINDS)('the body %s parses once its placeholders are filled', async (kind) => {
  const sql = GUARD_BODIES[kind].replaceAll(':hint', `'x'`).replaceAll(':until', `'2030-01-02'`);
  await expect(parse(sql)).resolves.toBeDefined();
});

test('a refused writer reads where writes go', () => {
  expect(guardHint('closed', 'green')).toContain('Writes go to green');
});
