import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { sessionName } from '@turnout/core/object-names';
import { openSession } from '@turnout/postgres/session';
import { CopyView } from './copy-view.js';
import { runCopy } from './run-copy.js';
import { Pair, startClusters, stopClusters, type Clusters } from '../../test/pair-fixture.js';

const DDL = /* sql */ `
  create table public.big (id bigint primary key, v text, n int generated always as (length(v)) stored);
  create table public.bag (a int, b text);
  alter table public.bag replica identity full;
  create table public.empty_one (id int primary key);
  create table public.part (id int, at date, primary key (id, at)) partition by range (at);
  create table public.part_a partition of public.part for values from ('2024-01-01') to ('2025-01-01');
  create table public.ident (id int generated always as identity primary key, v text);
  create table public."Odd name" ("select" int primary key, "a b" text);
  create table public.child (id int primary key, big_id bigint references public.big);
`;
const TABLES = ['big', 'bag', 'part', 'ident', '"Odd name"', 'child'].map((t) => `public.${t}`);

let clusters: Clusters;
let pair: Pair;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));
beforeEach(async () => {
  pair = await Pair.create(clusters, DDL);
  await pair.blue.query(`
    insert into public.big select g, repeat('x', g % 300) from generate_series(1, 20000) g;
    insert into public.bag select g % 7, null from generate_series(1, 500) g;
    insert into public.part select g, '2024-05-05' from generate_series(1, 100) g;
    insert into public.ident (v) select 'v' || g from generate_series(1, 50) g;
    insert into public."Odd name" values (1, E'tab\\tnew\\nline\\\\.'), (2, null), (3, '\\N');
    insert into public.child values (1, 1)`);
});
afterEach(() => pair[Symbol.asyncDispose]());

test('a copy under live writes and the stream behind it end up equal', async () => {
  const writer = await openSession({ endpoint: { url: pair.url('blue') }, applicationName: 'w' });
  const writing = { on: true };
  let written = 0;
  const writes = (async () => {
    for (let n = 0; writing.on; n += 1) {
      await writer.query(`begin;
        insert into public.big values (${100_000 + n}, 'new');
        update public.big set v = v || '+' where id = ${1 + (n % 20_000)};
        delete from public.big where id = ${20_000 - n};
        update public.bag set b = '${n}' where ctid = (select ctid from public.bag limit 1);
        insert into public.child values (${10 + n}, ${100_000 + n}); commit`);
      written += 1;
    }
  })();
  const view = await pair.copy('forward', 3);
  await pair.start('forward');
  await pair.roundTrip('forward');
  writing.on = false;
  await writes;
  await writer.end();
  await pair.roundTrip('forward');
  expect(written).toBeGreaterThan(10);
  for (const table of TABLES) {
    expect(await pair.dump('green', table)).toEqual(await pair.dump('blue', table));
  }
  expect(view.tablesDone).toBe(view.tables.size);
  expect(view.rows).toBeGreaterThan(20_000);
  const { rows } = await pair.green.query(
    `select count(*) as n from pg_stats where schemaname = 'public' and tablename = 'big'`,
  );
  expect(Number(rows[0]?.n)).toBeGreaterThan(0);
});

test('an interrupted copy starts over with a new snapshot and a complete one is left alone', async () => {
  const stop = new AbortController();
  const view = new CopyView(0);
  const spec = pair.spec('forward');
  const copying = runCopy({ spec, workers: 1, open: true, view, signal: stop.signal });
  // As soon as the first chunk is recorded the copy is cut off.
  const first = Object.getPrototypeOf(view).copied as CopyView['copied'];
  view.copied = (chunk, copied) => {
    first.call(view, chunk, copied);
    stop.abort();
  };
  await expect(copying).rejects.toMatchObject({ name: 'AbortError' });
  await pair.blue.query(`insert into public.big values (-1, 'later')`);
  await pair.copy('forward');
  for (const table of TABLES) {
    expect(await pair.dump('green', table)).toEqual(await pair.dump('blue', table));
  }
  expect((await pair.copy('forward')).rows).toBe(0);
});

test('a copy worker whose host is gone does not hold the next copy up', async () => {
  const dead = await openSession({
    endpoint: { url: pair.url('green') },
    applicationName: sessionName(0n, 'link-forward-copy-1-in', pair.name),
  });
  await dead.query(/* sql */ `begin`);
  await dead.query(
    /* sql */ `insert into turnout.progress (link, worker) values ('forward', 'copy/1')`,
  );
  await pair.copy('forward');
  await expect(dead.query(/* sql */ `commit`)).rejects.toThrow();
  expect(await pair.dump('green', 'public.ident')).toEqual(await pair.dump('blue', 'public.ident'));
}, 20_000);

test('a target that holds rows is refused and left as it is', async () => {
  await pair.green.query(`insert into public.ident (v) values ('precious')`);
  await expect(pair.copy('forward')).rejects.toMatchObject({
    code: 'TRN2020',
    facts: { table: 'public.ident' },
  });
  expect(await pair.dump('green', 'public.ident')).toEqual(['(1,precious)']);
});

test('a table or a column that is missing on the target is named', async () => {
  await pair.green.query(`drop table public.empty_one`);
  await expect(pair.copy('forward')).rejects.toMatchObject({
    code: 'TRN2014',
    facts: { table: 'public.empty_one' },
  });
  await pair.green.query(`create table public.empty_one (other int)`);
  await expect(pair.copy('forward')).rejects.toMatchObject({ code: 'TRN3008' });
});

test('a row that the target refuses stops the copy with table and SQLSTATE, not with its values', async () => {
  await pair.green.query(`alter table public.ident add constraint short check (v <> 'v7')`);
  const ended: unknown = await pair.copy('forward').catch((thrown: unknown) => thrown);
  expect(ended).toMatchObject({
    code: 'TRN3012',
    facts: { table: 'public.ident', sqlstate: '23514', constraint: 'short' },
  });
});
