import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCheckedPair, type CheckedTestPair } from '../test/checked-pair.js';

const SCHEMA = `
  create table public.orders (
    id bigint primary key, customer text, note varchar(40), amount numeric(12,4), ratio float8,
    placed_at timestamptz, data jsonb, raw bytea, twice numeric generated always as (amount * 2) stored);
  create table public.lines (b text, a int, v text, primary key (b, a));
  create table public.logs (message text, level int);
  alter table public.logs replica identity full;`;

let pair: CheckedTestPair;

beforeAll(async () => {
  pair = await startCheckedPair(SCHEMA, ['orders', 'lines', 'logs']);
  await pair.blue.query(`
    insert into public.orders
      select n, 'customer ' || n, case when n % 3 = 0 then null else '' end, n * 1.5, n / 7.0,
             timestamptz '2024-01-01 00:00:00.123456Z' + n * interval '1 minute',
             json_build_object('n', n), decode(md5(n::text), 'hex')
        from generate_series(1, 2000) as n;
    insert into public.lines select 'line "' || n || E'\\n\\u00e9', n, 'v' from generate_series(1, 500) as n;
    insert into public.logs select 'same', 1 from generate_series(1, 3);
    insert into public.logs select 'message ' || n, n from generate_series(1, 100) as n`);
  await pair.startChecker();
});

afterAll(async () => {
  await pair?.stop();
});

test('two sides that agree are equal, and every row was compared', async () => {
  const check = await pair.check('full');
  expect(check).toMatchObject({ outcome: 'equal', reason: null, differences: 0 });
  expect(check.rowsCompared).toBe(2_603);
  expect(check.tables.map(({ table }) => table).sort()).toEqual([
    'public.lines',
    'public.logs',
    'public.orders',
  ]);
});

const CORRUPTIONS: readonly [name: string, corrupt: string, mend: string, kinds: string[]][] = [
  [
    'a changed value',
    `update orders set customer = 'x' where id = 7`,
    `update orders set customer = 'customer 7' where id = 7`,
    ['changed'],
  ],
  [
    'an empty text for NULL',
    `update orders set note = '' where id = 9`,
    `update orders set note = null where id = 9`,
    ['changed'],
  ],
  [
    'NULL for an empty text',
    `update orders set note = null where id = 10`,
    `update orders set note = '' where id = 10`,
    ['changed'],
  ],
  [
    'a microsecond',
    `update orders set placed_at = placed_at + interval '1 microsecond' where id = 11`,
    `update orders set placed_at = placed_at - interval '1 microsecond' where id = 11`,
    ['changed'],
  ],
  [
    'the last digit of a double',
    `update orders set ratio = ratio + 1e-15 where id = 1`,
    `update orders set ratio = 1 / 7.0 where id = 1`,
    ['changed'],
  ],
  [
    'a bit of a bytea',
    `update orders set raw = set_bit(raw, 3, 1 - get_bit(raw, 3)) where id = 12`,
    `update orders set raw = set_bit(raw, 3, 1 - get_bit(raw, 3)) where id = 12`,
    ['changed'],
  ],
  [
    'a trailing blank',
    `update lines set v = 'v ' where a = 3`,
    `update lines set v = 'v' where a = 3`,
    ['changed'],
  ],
  [
    'a missing first row',
    `delete from orders where id = 1`,
    `insert into orders select 1, 'customer 1', '', 1.5, 1 / 7.0, timestamptz '2024-01-01 00:01:00.123456Z', '{"n": 1}', decode(md5('1'), 'hex')`,
    ['missing'],
  ],
  [
    'an extra last row',
    `insert into orders (id) values (999999)`,
    `delete from orders where id = 999999`,
    ['extra'],
  ],
  [
    'two swapped rows',
    `update lines set v = case a when 1 then 'q' else 'v' end where a in (1, 2)`,
    `update lines set v = 'v' where a in (1, 2)`,
    ['changed'],
  ],
  [
    'a duplicated row without a key',
    `insert into logs values ('message 5', 5)`,
    `delete from logs where ctid = (select max(ctid::text)::tid from logs where level = 5)`,
    ['extra'],
  ],
  [
    'two duplicates that XOR would cancel',
    `insert into logs values ('new', 77), ('new', 77)`,
    `delete from logs where message = 'new'`,
    ['extra', 'extra'],
  ],
  [
    'one copy fewer of equal rows',
    `delete from logs where ctid = (select max(ctid::text)::tid from logs where message = 'same')`,
    `insert into logs values ('same', 1)`,
    ['missing'],
  ],
];

test.each(CORRUPTIONS)('a full check finds %s', async (_name, corrupt, mend, kinds) => {
  await pair.green.query('set search_path = public');
  await pair.green.query(corrupt);
  const found = await pair.check('full');
  expect(found).toMatchObject({ outcome: 'different', differences: kinds.length });
  const open = await pair.store.checks.differences.list(found.id);
  expect(open.map(({ kind }) => kind)).toEqual(kinds);
  // Names, keys and digests only.
  expect(JSON.stringify(open)).not.toContain('customer ');
  await pair.green.query(mend);
  expect(await pair.check('full')).toMatchObject({ outcome: 'equal' });
  expect(await pair.store.checks.openDifferences('shop')).toBe(0);
});
