import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dropPublication, ensurePublication } from '../publications.js';
import { openSession, type Session } from '../session.js';
import { readEventTriggers } from './event-triggers.js';
import { changedSince, readCatalogState } from './catalog-state.js';
import { readPreparedTransactions } from './locks.js';
import { canSetReplicaRole, readPrivileges } from './privileges.js';
import { readPublication } from './publications.js';
import { readSequences } from './sequences.js';
import { readServer } from './server.js';
import { ALL_TABLES, readTables, type Table } from './tables.js';

describe.each(['13', '15'] as const)('the catalogue of a %s server', (version) => {
  let cluster: Cluster;
  let session: Session;

  beforeAll(async () => {
    cluster = await startCluster({ version });
    const endpoint = { url: await cluster.createDatabase('shop') };
    session = await openSession({ endpoint, applicationName: 'turnout/1/test/shop' });
    await session.query(`
      create schema sales;
      create domain sales.price as numeric(10, 2);
      create table sales.orders (id bigint generated always as identity primary key,
        gone text, code text not null, amount sales.price, total numeric generated always as (1) stored,
        note varchar(20), constraint code_once unique (code) deferrable,
        exclude using btree (note with =));
      alter table sales.orders drop column gone;
      create unique index orders_open on sales.orders (note) where amount > 0;
      create unique index orders_lower on sales.orders (lower(note));
      create table public.by_index (a int not null, b int not null);
      create unique index by_index_ba on public.by_index (b, a);
      alter table public.by_index replica identity using index by_index_ba;
      create table public.whole (v text);
      alter table public.whole replica identity full;
      create table public.bare (v text);
      create table public.parts (id int primary key) partition by range (id);
      create table public.parts_low partition of public.parts for values from (0) to (9);
      create unlogged table public.fleeting (id serial primary key);
      create function public.nothing() returns trigger language plpgsql as 'begin return null; end';
      create trigger audit after insert on public.whole execute function public.nothing();
      alter table public.whole enable always trigger audit;
      create temporary table passing (id int);`);
  });

  afterAll(async () => {
    await session.end();
    await cluster[Symbol.asyncDispose]();
  });

  const table = (tables: readonly Table[], name: string): Table =>
    tables.find((candidate) => candidate.name === name)!;

  test('tables say kind, identity and keys', async () => {
    const tables = await readTables(session);
    expect(tables.map(({ schema, name, kind }) => `${schema}.${name} ${kind}`)).toEqual([
      'public.bare table',
      'public.by_index table',
      'public.fleeting table',
      'public.parts partitioned',
      'public.parts_low partition',
      'public.whole table',
      'sales.orders table',
    ]);
    expect(table(tables, 'bare')).toMatchObject({ identity: 'default', identityKey: null });
    expect(table(tables, 'by_index')).toMatchObject({
      identity: 'index',
      primaryKey: null,
      identityKey: ['b', 'a'],
    });
    expect(table(tables, 'whole')).toMatchObject({
      identity: 'full',
      identityKey: null,
      triggersAlways: ['audit'],
    });
    expect(table(tables, 'fleeting')).toMatchObject({ unlogged: true });
    expect(table(tables, 'parts_low').parentOid).toBe(table(tables, 'parts').oid);
  });

  test('columns say type, generation and identity; dropped ones are gone', async () => {
    const orders = table(await readTables(session), 'orders');
    expect(orders.columns.map(({ name, typeName }) => `${name} ${typeName}`)).toEqual([
      'id bigint',
      'code text',
      'amount sales.price',
      'total numeric',
      'note character varying(20)',
    ]);
    expect(orders.columns[0]).toMatchObject({ identity: 'always', notNull: true, typeOid: 20 });
    expect(orders.columns[3]).toMatchObject({ generated: true });
    expect(orders).toMatchObject({
      primaryKey: ['id'],
      identityKey: ['id'],
      exclusionConstraints: 1,
    });
    expect(orders.uniqueIndexes).toEqual([
      {
        name: 'code_once',
        columns: ['code'],
        deferrable: true,
        predicate: false,
        expression: false,
      },
      { name: 'orders_lower', columns: [], deferrable: false, predicate: false, expression: true },
      {
        name: 'orders_open',
        columns: ['note'],
        deferrable: false,
        predicate: true,
        expression: false,
      },
    ]);
  });

  test('a selection keeps what it includes and not what it excludes', async () => {
    const tables = await readTables(session, { include: ['public.*'], exclude: ['*.parts*'] });
    expect(tables.map(({ name }) => name)).toEqual(['bare', 'by_index', 'fleeting', 'whole']);
  });

  test('sequences say where they stand, called or not, with step, owner and column', async () => {
    await session.query(`create sequence public.steps increment 5 cache 10;
      create sequence public.again; select nextval('public.again');
      alter sequence public.again restart with 500`);
    await session.query(`select nextval('public.fleeting_id_seq')`);
    const sequences = await readSequences(session);
    expect(sequences.map(({ name, value, called }) => [name, value, called])).toEqual([
      ['again', 500n, false],
      ['fleeting_id_seq', 1n, true],
      ['steps', 1n, false],
      ['orders_id_seq', 1n, false],
    ]);
    expect(sequences[1]).toMatchObject({
      ownedBy: 'public.fleeting.id',
      typeName: 'integer',
      columnType: 'integer',
    });
    expect(sequences[2]).toMatchObject({ increment: 5n, cache: 10n, start: 1n, ownedBy: null });
    await session.query(`drop sequence public.steps, public.again`);
  });

  test('the server tells its identity', async () => {
    const server = await readServer(session);
    expect(server).toMatchObject({
      database: 'shop',
      walLevel: 'logical',
      inRecovery: false,
      timeline: '00000001',
    });
    expect(Math.floor(server.version / 10_000)).toBe(Number(version));
    expect(server.systemIdentifier).toMatch(/^\d{19}$/);
    expect(server.currentLsn).toBeGreaterThan(0n);
  });

  test('the state changes with DDL, not with rows, upkeep or temporary tables', async () => {
    const before = await readCatalogState(session, ALL_TABLES);
    await session.query(`insert into public.bare values ('x')`);
    await session.query(`truncate public.bare`);
    await session.query(`reindex table sales.orders`);
    await session.query(`vacuum (full, analyze) public.whole`);
    await session.query(`vacuum freeze pg_catalog.pg_attribute`);
    await session.query(
      `create temporary table brief (id serial primary key, e text check (e > ''))`,
    );
    expect(changedSince(before, await readCatalogState(session, ALL_TABLES))).toEqual([]);
    await session.query(`begin; alter table public.bare add column more int;
      create index on public.whole (v); create table public.added (id int);
      drop table public.by_index; create type public.mood as enum ('good')`);
    expect(changedSince(before, await readCatalogState(session, ALL_TABLES))).toEqual([
      'domains and enums',
      'public.added',
      'public.bare',
      'public.by_index',
      'public.whole',
    ]);
    await session.query('rollback');
  });

  test('privileges, event triggers and prepared transactions are listed', async () => {
    expect(await readPrivileges(session)).toMatchObject({ superuser: true, tablesNotOwned: [] });
    expect(await canSetReplicaRole(session)).toBe(true);
    await session.query(`create role modest; grant usage on schema public to modest`);
    await session.query('set session authorization modest');
    expect(await canSetReplicaRole(session)).toBe(false);
    const modest = await readPrivileges(session);
    expect(modest).toMatchObject({ superuser: false, createInDatabase: false });
    expect(modest.tablesNotOwned).toContainEqual({
      schema: 'sales',
      name: 'orders',
      owner: 'postgres',
    });
    expect(modest.monitoring).toBe(false);
    await session.query('reset session authorization');

    await session.query(`create function public.watch() returns event_trigger language plpgsql
      as 'begin end'; create event trigger watcher on ddl_command_end execute function public.watch();
      alter event trigger watcher enable always`);
    expect(await readEventTriggers(session)).toEqual([
      { name: 'watcher', event: 'ddl_command_end', enabled: 'always', function: 'public.watch' },
    ]);
    await session.query('drop event trigger watcher');

    await session.query('discard temp');
    await session.query(`begin; insert into public.bare values ('y');
      prepare transaction 'pending'`);
    expect(await readPreparedTransactions(session)).toMatchObject([{ gid: 'pending' }]);
    await session.query(`rollback prepared 'pending'`);
  });

  test('a publication is made once, followed when the tables change, and dropped', async () => {
    const name = 'turnout_shop_forward';
    const orders = { schema: 'sales', name: 'orders' };
    const parts = { schema: 'public', name: 'parts' };
    expect(await ensurePublication(session, name, [orders], { viaRoot: false })).toBe(true);
    expect(await ensurePublication(session, name, [orders], { viaRoot: false })).toBe(false);
    expect(await ensurePublication(session, name, [parts, orders], { viaRoot: true })).toBe(true);
    const state = await readPublication(session, name);
    expect(state).toMatchObject({ viaRoot: true });
    expect(state!.tables).toEqual(expect.arrayContaining([orders, parts]));
    expect(await ensurePublication(session, name, [], { viaRoot: false })).toBe(true);
    expect(await readPublication(session, name)).toEqual({ viaRoot: false, tables: [] });
    await dropPublication(session, name);
    await dropPublication(session, name);
    expect(await readPublication(session, name)).toBeNull();
  });

  test('a table whose updates would fail once published is refused by name', async () => {
    const make = (tableName: string): Promise<boolean> =>
      ensurePublication(session, 'turnout_shop_forward', [{ schema: 'public', name: tableName }], {
        viaRoot: false,
      });
    await expect(make('bare')).rejects.toMatchObject({
      code: 'TRN2013',
      facts: { table: 'public.bare' },
    });
    await expect(make('missing')).rejects.toMatchObject({ code: 'TRN2014' });
    expect(await readPublication(session, 'turnout_shop_forward')).toBeNull();
  });
});
