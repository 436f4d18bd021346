import type { Side } from '@turnout/core/sides';
import { openSession, type Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { dumpSection, loadSection } from '../lifecycle/schema-transfer.js';
import type { Finding } from './finding.js';
import { preflight } from './preflight.js';

/** Blue on 13, green on 15; every remedy is followed to the letter, then preflight looks again. */
let clusters: Record<Side, Cluster>;
let admin: Record<Side, Session>;
let round = 0;

beforeAll(async () => {
  const [blue, green] = await Promise.all([
    startCluster({ version: '13' }),
    startCluster({ version: '15' }),
  ]);
  clusters = { blue, green };
});

afterAll(async () => {
  for (const cluster of Object.values(clusters ?? {})) await cluster[Symbol.asyncDispose]();
});

beforeEach(async () => {
  round += 1;
  const open = async (side: Side): Promise<Session> =>
    openSession({
      endpoint: { url: await clusters[side].createDatabase(`shop_${round}`) },
      applicationName: 'test',
      settings: { search_path: 'public' },
    });
  admin = { blue: await open('blue'), green: await open('green') };
});

afterEach(() => Promise.all(Object.values(admin).map((session) => session.end())));

function pairOf(user = 'postgres', change: Partial<ResolvedPair> = {}): ResolvedPair {
  const url = (side: Side): { url: string } => ({ url: clusters[side].url(`shop_${round}`, user) });
  const pair = {
    name: 'shop',
    blue: url('blue'),
    green: url('green'),
    tables: { include: ['*.*'], exclude: [] },
    schema: { transfer: 'pg_dump' },
    standbys: 'streaming',
    ...change,
  };
  return pair as unknown as ResolvedPair;
}

async function wrong(pair: ResolvedPair): Promise<Finding[]> {
  return (await preflight(pair)).filter(({ severity }) => severity !== 'ok');
}

/** Types what the findings say where they say it; what stands in brackets is another way. */
async function follow(findings: readonly Finding[]): Promise<void> {
  for (const { side, remedy } of findings.flatMap(({ problems }) => problems)) {
    if (side === null || remedy === null) throw new Error('there is nothing to follow');
    const statements = remedy.replace(/ \(or .*\)$/, '').split(/(?<=;) /);
    for (const statement of statements) await admin[side].query(statement);
  }
}

const summary = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ id, severity, code, problems }) =>
    problems.map(({ side, object }) => `${severity} ${code} ${id} ${side} ${object}`),
  );

test('a role without rights: each is named with its side, and granting what is named is enough', async () => {
  for (const session of Object.values(admin)) {
    await session.query(`create role modest login; create role shop_owner;
      create table kept (id int primary key); alter table kept owner to shop_owner;
      revoke create on schema public from public`);
  }
  await admin.green.query('drop table kept');
  const pair = pairOf('modest');
  const found = await wrong(pair);
  expect(summary(found)).toEqual([
    'critical TRN2012 privileges blue role "modest"',
    'critical TRN2012 privileges blue role "modest"',
    'critical TRN2012 privileges blue role "modest"',
    'critical TRN2012 privileges green role "modest"',
    'critical TRN2012 privileges green role "modest"',
    'critical TRN2012 privileges green role "modest"',
    'critical TRN2012 ownership blue "public"."kept"',
    'critical TRN2022 monitoring blue role "modest"',
    'critical TRN2022 monitoring green role "modest"',
  ]);
  // What it would have read without the right: nothing that looks like a refusal.
  const modest = await openSession({ endpoint: pair.green, applicationName: 'test' });
  const look = `select state from pg_stat_activity where pid = pg_backend_pid() or usename = 'postgres'`;
  expect((await modest.query(look)).rows.map(({ state }) => state)).toContain(null);
  await modest.end();
  await follow(found);
  expect(summary(await wrong(pair))).toEqual([]);
  for (const session of Object.values(admin)) {
    await session.query(`drop owned by modest, shop_owner; drop role modest, shop_owner`);
  }
});

test('triggers, subscriptions, sequences, identities: named, and gone when the remedy is followed', async () => {
  await admin.blue.query(`
    create table "Odd ""one" (v text);
    create table plain (id smallserial primary key);
    select setval('plain_id_seq', 32400);
    create table counted (id int generated always as identity primary key);
    select setval('counted_id_seq', 2147483000);
    create sequence down as smallint increment -1 minvalue -9 maxvalue -1;
    create function watch() returns event_trigger language plpgsql as 'begin end';
    create event trigger "On DDL" on ddl_command_end execute function watch();
    alter event trigger "On DDL" enable replica;
    create function note() returns trigger language plpgsql as 'begin return null; end';
    create trigger noted after insert on plain execute function note();
    alter table plain enable always trigger noted;
    create subscription incoming connection 'dbname=nowhere' publication p
      with (connect = false, slot_name = 'nowhere');
    alter subscription incoming enable`);
  await admin.blue.query(`begin; insert into counted default values; prepare transaction 'it''s'`);
  const pair = pairOf();
  const found = await wrong(pair);
  expect(summary(found)).toEqual([
    'critical TRN2013 replica_identity blue "public"."Odd ""one"',
    'critical TRN2016 event_triggers blue event trigger "On DDL"',
    'warning TRN2026 triggers blue trigger "noted" on "public"."plain"',
    'critical TRN2024 subscriptions blue subscription "incoming"',
    "warning TRN2019 prepared_transactions blue transaction it's",
    'warning TRN2023 sequences blue "public"."counted_id_seq"',
    'warning TRN2023 sequences blue "public"."down"',
    'warning TRN2023 sequences blue "public"."plain_id_seq"',
  ]);
  expect(found.map(({ observed }) => observed).join('\n')).toContain(
    'blue: "public"."plain_id_seq" has 367 values left',
  );
  // Commits before anything else, for the locks it holds.
  await follow(found.toSorted((a) => (a.id === 'prepared_transactions' ? -1 : 0)));
  expect(summary(await wrong(pair))).toEqual([]);
  await admin.blue.query(`alter subscription incoming set (slot_name = none)`);
  await admin.blue.query(`drop subscription incoming`);
});

test('standbys that are not waited for are a warning that says what is given up', async () => {
  const [finding] = await wrong(pairOf('postgres', { standbys: 'none' }));
  expect(finding).toMatchObject({ severity: 'warning', code: 'TRN2027' });
  expect(finding!.observed).toContain('pairs.shop.standbys');
  expect(finding!.observed).toContain('second writable side');
});

test('what is left of an earlier attempt on green is dropped as said, and the schema loads', async () => {
  const schema = /* sql */ `create schema sales; create type mood as enum ('good');
    create table sales.orders (id serial primary key, m public.mood);
    create function total(int) returns int language sql as 'select 1';
    create view all_orders as select * from sales.orders;
    create table alone (id serial primary key)`;
  for (const session of Object.values(admin)) await session.query(schema);
  const pair = pairOf();
  const found = await wrong(pair);
  expect(found.map(({ code }) => code)).toEqual(['TRN2020']);
  expect(found[0]!.problems.map(({ object }) => object).toSorted()).toEqual([
    'enum public.mood',
    'function public.total(integer)',
    'schema sales',
    'table public.alone',
    'view public.all_orders',
  ]);
  await follow(found);
  expect(await wrong(pair)).toEqual([]);
  await loadSection(admin.green, await dumpSection(pair.blue, 'pre-data'));
});

test('rows on green where the schema is there already are named, and truncated as said', async () => {
  for (const session of Object.values(admin)) {
    await session.query(`create table t (id int primary key); insert into t values (1)`);
  }
  const pair = pairOf('postgres', { schema: { transfer: 'existing' } });
  const found = await wrong(pair);
  expect(summary(found)).toEqual(['critical TRN2020 target_empty green "public"."t"']);
  await follow(found);
  expect(await wrong(pair)).toEqual([]);
  await admin.green.query(`drop table t`);
  expect(summary(await wrong(pair))).toEqual(['critical TRN2014 target_tables green "public"."t"']);
});

test('two URLs of one database are one finding, and nothing else is asked', async () => {
  const same = { url: clusters.blue.url(`shop_${round}`) };
  const found = await preflight(pairOf('postgres', { blue: same, green: same }));
  expect(summary(found)).toEqual([`critical TRN1006 distinct_sides null shop_${round}`]);
});
