import { openSession, type Session } from '@turnout/postgres/session';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { advanceSequences, previewSequences } from './sequences.js';

const TABLES = /* sql */ `
  create table plain (id serial primary key);
  create table always (id bigint generated always as identity primary key, v text);
  create table small (id smallserial primary key);
  create sequence "odd ""name" increment 3 cache 20;
  create table odd (id bigint primary key default nextval('public."odd ""name"'));
  create sequence down increment -1 minvalue -1000000 maxvalue -1;
  create table downward (id int primary key default nextval('public.down'));
  create sequence wheel minvalue 1 maxvalue 5 cycle;
  create table turns (at serial primary key, slot int default nextval('public.wheel'));
  create table restarted (id serial primary key);
  create table reset (id serial primary key);
  create table unused (id serial primary key);`;

/** Rows of the copy are on both sides, the sequences of `to` never moved with them. */
const ROWS = /* sql */ `
  insert into plain select from generate_series(1, 40);
  insert into always (v) select 'x' from generate_series(1, 30);
  insert into odd select from generate_series(1, 25);
  insert into downward select from generate_series(1, 12);
  insert into turns select from generate_series(1, 7);
  insert into restarted select from generate_series(1, 5);
  insert into restarted (id) select n from generate_series(6, 499) n;
  alter sequence restarted_id_seq restart with 500;
  insert into reset select from generate_series(1, 5);
  insert into reset (id) select n from generate_series(6, 99) n;
  select setval('public.reset_id_seq', 100, false);
  select setval('public.small_id_seq', 32400);
  insert into small default values;`;

const COPIED = ['plain', 'always', 'small', 'odd', 'downward', 'restarted', 'reset', 'unused'];

describe.each([
  ['13', '15'],
  ['15', '13'],
] as const)('from %s to %s', (fromVersion, toVersion) => {
  let clusters: Cluster[];
  let from: Session;
  let to: Session;

  beforeAll(async () => {
    clusters = await Promise.all([
      startCluster({ version: fromVersion }),
      startCluster({ version: toVersion }),
    ]);
    const open = async (cluster: Cluster): Promise<Session> =>
      openSession({
        endpoint: { url: await cluster.createDatabase('shop') },
        applicationName: 'turnout/1/test/shop',
        settings: { search_path: 'public' },
      });
    from = await open(clusters[0]!);
    to = await open(clusters[1]!);
    await from.query(TABLES);
    await to.query(TABLES);
    await from.query(ROWS);
    for (const table of COPIED) {
      const { rows } = await from.query<{ id: string }>(`select id from ${table}`);
      await to.query(
        `insert into ${table} (id) overriding system value select * from unnest($1::bigint[])`,
        [rows.map(({ id }) => id)],
      );
    }
  });

  afterAll(async () => {
    await Promise.all([from?.end(), to?.end()]);
    for (const cluster of clusters ?? []) await cluster[Symbol.asyncDispose]();
  });

  test('the first insert on the other side collides nowhere', async () => {
    const shown = await previewSequences(from, to);
    const moved = await advanceSequences(from, to);
    expect(shown.map(({ name, to: value }) => [name, value])).toEqual(
      moved.map(({ name, to: value }) => [name, value]),
    );
    const notes = new Map(shown.map(({ name, note }) => [name, note]));
    expect(notes.get('"public"."plain_id_seq"')).toBe('ahead by the margin');
    expect(notes.get('"public"."small_id_seq"')).toBe('margin shortened: near its end');
    expect(notes.get('"public"."wheel"')).toBe('exact: it cycles');
    expect(notes.get('"public"."restarted_id_seq"')).toBe('exact: not called yet');

    const first = async (table: string): Promise<number> => {
      const { rows } = await to.query<{ id: string }>(
        `insert into ${table} default values returning id`,
      );
      return Number(rows[0]!.id);
    };
    expect(await first('plain')).toBe(1_041);
    expect(await first('always')).toBe(1_031);
    expect(await first('small')).toBe(32_438);
    expect(await first('odd')).toBeGreaterThan(25 * 3 + 3_000);
    expect(await first('downward')).toBe(-1_013);
    expect(await first('restarted')).toBe(500);
    expect(await first('reset')).toBe(100);
    expect(await first('unused')).toBe(1);
    const wheel = await to.query<{ next: string }>(`select nextval('public.wheel') as next`);
    // Seven turns of a wheel of five end at 2.
    expect(wheel.rows[0]!.next).toBe('3');
  });

  test('a second run changes nothing that is ahead, and the way back never goes backwards', async () => {
    const again = await advanceSequences(from, to);
    const plain = again.find(({ name }) => name === '"public"."plain_id_seq"');
    expect(plain).toMatchObject({ from: '40', to: '1041', from_called: true, margin: '1001' });
    await advanceSequences(to, from);
    const { rows } = await from.query<{ id: string }>(
      `insert into plain default values returning id`,
    );
    expect(Number(rows[0]!.id)).toBe(2_042);
  });

  test('values taken between the first and the second run are not handed out again', async () => {
    await from.query(`select nextval('public.unused_id_seq') from generate_series(1, 3)`);
    await advanceSequences(from, to);
    const { rows } = await to.query<{ id: string }>(
      `insert into unused default values returning id`,
    );
    // The way back had set it to 1,001; three were taken since.
    expect(Number(rows[0]!.id)).toBe(2_005);
  });
});
