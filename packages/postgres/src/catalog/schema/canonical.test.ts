import { expect, test } from 'vitest';
import { canonicalExpression } from './canonical-expression.js';
import { canonicalView } from './canonical-view.js';

test.each([
  ['TRIM(BOTH FROM v)', 'btrim(v)'],
  [`TRIM(LEADING 'x'::text FROM lower(v))`, `ltrim(lower(v), 'x'::text)`],
  ['SUBSTRING(v FROM 2 FOR 1)', '"substring"(v, 2, 1)'],
  ['SUBSTRING(TRIM(BOTH FROM v) FROM 2)', '"substring"(btrim(v), 2)'],
  [`POSITION(('b'::text) IN (v))`, `"position"(v, 'b'::text)`],
  ['OVERLAY(v PLACING w FROM 2 FOR 1)', '"overlay"(v, w, 2, 1)'],
  ['EXTRACT(year FROM (a + b))', `date_part('year'::text, (a + b))`],
  [`(now() AT TIME ZONE 'UTC'::text)`, `timezone('UTC'::text, now())`],
  [
    `((a AT TIME ZONE 'x'::text) AT TIME ZONE 'y'::text)`,
    `timezone('y'::text, timezone('x'::text, a))`,
  ],
  [`v = 'TRIM(BOTH FROM  x)'`, `v = 'TRIM(BOTH FROM  x)'`],
  [`"TRIM("  || v`, `"TRIM(" || v`],
])('%s is %s', (printed, canonical) => {
  expect(canonicalExpression(printed)).toBe(canonical);
});

test.each([
  [
    'SELECT o.id, o.v FROM sales.orders o WHERE (o.v > 1);',
    'SELECT id, v FROM sales.orders o WHERE (v > 1);',
  ],
  ['SELECT orders.id FROM sales.orders;', 'SELECT id FROM sales.orders;'],
  ['SELECT id\n   FROM sales.orders;', 'SELECT id FROM sales.orders;'],
  [
    'SELECT c.email FROM s.c WHERE (c.r > ( SELECT avg(x.r) FROM s.c x WHERE x.id <> c.id));',
    'SELECT email FROM s.c WHERE (r > ( SELECT avg(x.r) FROM s.c x WHERE x.id <> id));',
  ],
  [
    'SELECT email FROM s.c WHERE (r > ( SELECT avg(x.r) FROM s.c x WHERE x.id <> c.id));',
    'SELECT email FROM s.c WHERE (r > ( SELECT avg(x.r) FROM s.c x WHERE x.id <> id));',
  ],
  ['SELECT a.id FROM a JOIN b ON (a.id = b.id);', 'SELECT a.id FROM a JOIN b ON (a.id = b.id);'],
  [`SELECT 'o.id  ' FROM s."T t" o;`, `SELECT 'o.id  ' FROM s."T t" o;`],
])('view %s is %s', (printed, canonical) => {
  expect(canonicalView(printed)).toBe(canonical);
});
