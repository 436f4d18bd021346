import { expect, test } from 'vitest';
import { isAtomic } from './rerun-safety.js';

test.each([
  'insert into t values ($1)',
  '-- note; call p()\nupdate t set a = 1',
  "insert into t values ('a; call p()')",
  "insert into t values (E'it\\'s; call p()')",
  'insert into t values ($x$; call p()$x$) on conflict do nothing',
  '/* hint; */ with x as (select 1) delete from t',
  'update "commit;" set a = 1; delete from u;',
  '(select 1)',
])('%j is one atomic unit', (text) => {
  expect(isAtomic(text)).toBe(true);
});

test.each([
  'call p()',
  'do $$ begin insert into t values (1); commit; insert into t values (2); end $$',
  'begin; insert into t values (1); commit; insert into t values (2)',
  'insert into t values (1); call p()',
  "insert into t values (E'\\''); call p(); select ''",
  '/* /* nested */ */ call p()',
  'explain analyze select 1; commit',
])('%j may have committed a part before it was refused', (text) => {
  expect(isAtomic(text)).toBe(false);
});
