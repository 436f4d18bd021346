import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readPublication } from './catalog/publications.js';
import { dropPublication, ensurePublication } from './publications.js';
import { openSession, type Session } from './session.js';

/** What many have: a log of DDL, in a table that the guard closes on the idle side. */
const DDL_LOG = /* sql */ `
  create table public.ddl_log (tag text primary key);
  create function public.refuse() returns trigger language plpgsql
    as 'begin raise exception ''closed'' using errcode = ''25006'', schema = ''turnout''; end';
  create trigger closed before insert on public.ddl_log
    for each statement execute function public.refuse();
  create function public.log_ddl() returns event_trigger language plpgsql
    as 'begin insert into public.ddl_log values (tg_tag); end';
  create event trigger log_ddl on ddl_command_end execute function public.log_ddl();
  create event trigger log_drop on sql_drop execute function public.log_ddl();`;

describe.each(['13', '15'] as const)('publications on %s', (version) => {
  let cluster: Cluster;
  let url: string;
  let session: Session;
  const name = 'turnout_shop_reverse';
  const table = (tableName: string) => ({ schema: 'public', name: tableName });

  beforeAll(async () => {
    cluster = await startCluster({ version });
    url = await cluster.createDatabase('shop');
    session = await openSession({ endpoint: { url }, applicationName: 'turnout/1/test/shop' });
    await session.query(`create table public.a (id int primary key);
      create table public.b (id int primary key); create role modest login;
      grant create on database shop to modest;
      create table public.own (id int primary key); alter table public.own owner to modest;
      ${DDL_LOG}`);
  });

  afterAll(async () => {
    await session.end();
    await cluster[Symbol.asyncDispose]();
  });

  test('an event trigger that raises does not fire on any DDL of ours', async () => {
    await expect(session.query(`create publication theirs`)).rejects.toThrow('closed');
    expect(await ensurePublication(session, name, [table('a')], { viaRoot: false })).toBe(true);
    const both = [table('a'), table('b')];
    expect(await ensurePublication(session, name, both, { viaRoot: true })).toBe(true);
    expect(await readPublication(session, name)).toMatchObject({ viaRoot: true });
    expect(await ensurePublication(session, name, [], { viaRoot: false })).toBe(true);
    await dropPublication(session, name);
    expect(await readPublication(session, name)).toBeNull();
    const { rows } = await session.query(`show session_replication_role`);
    expect(rows).toEqual([{ session_replication_role: 'origin' }]);
  });

  test('a role that may not act as a replica meets it, and says what the server said', async () => {
    const modest = await openSession({
      endpoint: { url: cluster.url('shop', 'modest') },
      applicationName: 'test',
    });
    const make = (tableName: string): Promise<boolean> =>
      ensurePublication(modest, name, [table(tableName)], { viaRoot: false });
    await expect(make('a')).rejects.toMatchObject({
      code: 'TRN2025',
      facts: {
        object: `publication ${name}`,
        sqlstate: '42501',
        message: 'must be owner of table a',
      },
    });
    await session.query(`set session_replication_role = replica`);
    await session.query(`grant insert on public.ddl_log to modest`);
    await expect(make('own')).rejects.toMatchObject({
      code: 'TRN2025',
      // Raised by a function of a user: its words may hold values.
      facts: { sqlstate: '25006', message: null },
    });
    // The remedy: without the event trigger it goes through in the role's own mode.
    await session.query(`drop event trigger log_ddl; drop event trigger log_drop`);
    await session.query(`reset session_replication_role`);
    expect(await make('own')).toBe(true);
    await dropPublication(modest, name);
    await modest.end();
  });

  test('a table that somebody holds is named by the message', async () => {
    const other = await openSession({ endpoint: { url }, applicationName: 'test' });
    await other.query(`begin; lock table public.b in access exclusive mode`);
    await expect(
      ensurePublication(session, name, [table('b')], { viaRoot: false, lockTimeoutMs: 50 }),
    ).rejects.toMatchObject({ code: 'TRN2025', facts: { sqlstate: '55P03' } });
    await other.end();
  });
});
