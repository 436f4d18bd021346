import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { Pair, startClusters, stopClusters, type Clusters } from '../../test/pair-fixture.js';

const DDL = /* sql */ `
  create type public.mood as enum ('calm', 'busy');
  create domain public.short as varchar(5);
  create table public.plain (id int primary key, v text);
  create table public.toasted (id int primary key, big text, more text, n int);
  alter table public.toasted alter column big set storage external;
  create table public.bag (a int, b text, j json);
  alter table public.bag replica identity full;
  create table public.fullkey (id int primary key, v text);
  alter table public.fullkey replica identity full;
  create table public.always (id int generated always as identity primary key, v text, big text);
  alter table public.always alter column big set storage external;
  create table public.always_beside (k text primary key, n int generated always as identity, v text);
  create table public.computed (id int primary key, a int, b int generated always as (a * 2) stored);
  create table public.composite (a int, b text, v int, primary key (b, a));
  create table public.secondary (id int primary key, code text unique, n int);
  create table public.byindex (k text not null, v int);
  create unique index byindex_k on public.byindex (k);
  alter table public.byindex replica identity using index byindex_k;
  create table public.types (
    id int primary key, j jsonb, js json, ia int[], ta text[], by bytea, ts timestamptz, num numeric(12,3),
    m public.mood, s public.short, c char(6), bi bit(3), iv interval, f float8, ma public.mood[], u uuid, x xml, pt point);
  create table public.part (id int, at date, v text, primary key (id, at)) partition by range (at);
  create table public.part_a partition of public.part for values from ('2024-01-01') to ('2025-01-01');
  create table public.part_b partition of public.part for values from ('2025-01-01') to ('2026-01-01');
  create table public.serial_t (id serial primary key, v text);
`;

let clusters: Clusters;
let pair: Pair;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));
beforeEach(async () => {
  pair = await Pair.create(clusters, DDL);
  await pair.install('forward', true);
});
afterEach(() => pair[Symbol.asyncDispose]());

/** Runs the statements on blue while the link runs; answers the tables that end up different. */
async function differing(
  tables: readonly string[],
  statements: readonly string[],
): Promise<string[]> {
  const link = await pair.start('forward');
  for (const statement of statements) await pair.blue.query(statement);
  await Promise.race([
    pair.roundTrip('forward'),
    link.outcome.then((ended) => Promise.reject(ended)),
  ]);
  const found: string[] = [];
  for (const table of tables) {
    const [green, blue] = [await pair.dump('green', table), await pair.dump('blue', table)];
    if (blue.length === 0) found.push(`${table} was left empty by the test`);
    if (green.join('\n') !== blue.join('\n')) found.push(table);
  }
  return found;
}

test('inserts, updates and deletes arrive, also many of them in one transaction', async () => {
  expect(
    await differing(
      ['public.plain'],
      [
        `insert into public.plain select g, 'v' || g from generate_series(1, 2500) g`,
        `update public.plain set v = v || '!' where id % 2 = 0`,
        `delete from public.plain where id % 5 = 0`,
        `begin; insert into public.plain values (9001, E'quote " backslash \\\\ brace {} comma , null');
       update public.plain set v = null where id = 9001; insert into public.plain values (9002, 'NULL'), (9003, '');
       delete from public.plain where id = 9003; insert into public.plain values (9003, 'again'); commit`,
      ],
    ),
  ).toEqual([]);
});

test('an unchanged TOASTed value stays as it is, with and without a change of the key', async () => {
  expect(
    await differing(
      ['public.toasted'],
      [
        `insert into public.toasted select g, repeat(md5(g::text), 500), repeat('m', 10000), g from generate_series(1, 20) g`,
        `update public.toasted set n = n + 100`,
        `update public.toasted set big = repeat('x', 9000) where id % 3 = 0`,
        `update public.toasted set id = id + 1000 where id % 2 = 0`,
        `update public.toasted set more = null where id = 1`,
      ],
    ),
  ).toEqual([]);
});

test('keys may be swapped and chained within one transaction', async () => {
  expect(
    await differing(
      ['public.plain', 'public.composite'],
      [
        `insert into public.plain values (1, 'a'), (2, 'b'), (3, 'c')`,
        `begin; update public.plain set id = 99 where id = 1; update public.plain set id = 1 where id = 2;
       update public.plain set id = 2 where id = 99; commit`,
        `insert into public.composite values (1, 'x', 1), (2, 'x', 2)`,
        `begin; update public.composite set a = 3 where a = 1; update public.composite set a = 1, v = 7 where a = 2; commit`,
      ],
    ),
  ).toEqual([]);
});

test('identity full without a key changes exactly one of identical rows, NULLs and json included', async () => {
  expect(
    await differing(
      ['public.bag', 'public.fullkey'],
      [
        `insert into public.bag values (1, 'x', '{"a": 1}'), (1, 'x', '{"a": 1}'), (null, null, null), (null, null, null)`,
        `delete from public.bag where ctid = (select ctid from public.bag where a = 1 limit 1)`,
        `update public.bag set b = 'y' where ctid = (select ctid from public.bag where a is null limit 1)`,
        `insert into public.fullkey values (1, 'a'), (2, 'b')`,
        `update public.fullkey set v = 'c'`,
        `update public.fullkey set id = 5 where id = 1`,
        `delete from public.fullkey where id = 2`,
      ],
    ),
  ).toEqual([]);
});

test('identity columns that are always generated take the values of the source', async () => {
  expect(
    await differing(
      ['public.always', 'public.always_beside'],
      [
        `insert into public.always (v, big) select 'v', repeat(md5(g::text), 300) from generate_series(1, 5) g`,
        `update public.always set v = 'w'`,
        `update public.always set id = default where id = 2`,
        `insert into public.always_beside (k, v) values ('a', '1'), ('b', '2')`,
        `update public.always_beside set v = '3' where k = 'a'`,
        `update public.always_beside set n = default where k = 'b'`,
        `update public.always_beside set k = 'c' where k = 'b'`,
      ],
    ),
  ).toEqual([]);
});

test('generated columns are computed on the target, never written', async () => {
  expect(
    await differing(
      ['public.computed'],
      [
        `insert into public.computed (id, a) values (1, 5), (2, 6)`,
        `update public.computed set a = a + 1`,
      ],
    ),
  ).toEqual([]);
});

test('a chain over a secondary unique index is applied in the order of the source', async () => {
  expect(
    await differing(
      ['public.secondary', 'public.byindex'],
      [
        `insert into public.secondary values (1, 'a', 1), (2, 'b', 2), (3, 'c', 3)`,
        `begin; update public.secondary set code = 'd' where id = 3; update public.secondary set code = 'c' where id = 2;
       update public.secondary set code = 'b' where id = 1; commit`,
        `begin; delete from public.secondary where id = 1; insert into public.secondary values (4, 'b', 1); commit`,
        `insert into public.byindex values ('a', 1), ('b', 2)`,
        `update public.byindex set v = 9 where k = 'a'`,
        `update public.byindex set k = 'z' where k = 'b'`,
      ],
    ),
  ).toEqual([]);
});

test('values of every kind keep their text', async () => {
  expect(
    await differing(
      ['public.types'],
      [
        `insert into public.types values
        (1, '{"b": [1, 2], "a": null}', '{ "a" :  1}', '{1,NULL,3}', '{"a,b",NULL,"NULL","q\\"x"}', '\\x00ff10',
         '2024-02-29 12:34:56.123456+02', 12.500, 'busy', 'abc', 'ab', b'101', '1 mon 2 days 03:04:05.000006', 0.1,
         '{calm,busy}', '6a2f3b0e-1111-4222-8333-444455556666', '<a>1</a>', '(1.5,2)'),
        (2, 'null', 'null', '{}', '{{a,b},{c,d}}', '', 'infinity', 'NaN', 'calm', '', '', b'000', '0', 'NaN', '{}', null, null, null),
        (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null)`,
        `update public.types set ts = '0044-03-15 12:00:00.000001 BC', f = '-infinity' where id = 2`,
        `update public.types set ia = '{{1,2},{3,4}}', by = '\\xdeadbeef', ta = '{"{}"}'`,
      ],
    ),
  ).toEqual([]);
});

test('a row that moves between partitions, and a TRUNCATE of leaf and root', async () => {
  expect(
    await differing(
      ['public.part', 'public.part_a', 'public.part_b'],
      [
        `insert into public.part select g, '2024-06-01', 'v' from generate_series(1, 10) g`,
        `update public.part set at = '2025-06-01' where id <= 5`,
        `truncate public.part_a`,
        `insert into public.part values (50, '2024-01-01', 'x')`,
        `truncate public.part`,
        `insert into public.part values (51, '2024-01-01', 'y'), (52, '2025-01-01', 'z')`,
      ],
    ),
  ).toEqual([]);
});

test('TRUNCATE honours RESTART IDENTITY', async () => {
  const statements = [
    `insert into public.serial_t (v) values ('a'), ('b')`,
    `truncate public.serial_t restart identity`,
    `insert into public.serial_t (v) values ('c')`,
  ];
  expect(await differing(['public.serial_t'], statements)).toEqual([]);
  const { rows } = await pair.green.query(`select nextval('public.serial_t_id_seq') as next`);
  expect(rows[0]?.next).toBe('1');
});
