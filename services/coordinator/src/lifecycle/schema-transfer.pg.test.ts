import { installCluster } from '@turnout/postgres/cluster/install';
import { openSession, type Session } from '@turnout/postgres/session';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { dumpSection, loadSection } from './schema-transfer.js';

let old: Cluster;
let young: Cluster;
let blue: Session;
let green: Session;
let round = 0;

beforeAll(async () => {
  [old, young] = await Promise.all([
    startCluster({ version: '13' }),
    startCluster({ version: '15' }),
  ]);
});

afterAll(async () => {
  await old?.[Symbol.asyncDispose]();
  await young?.[Symbol.asyncDispose]();
});

const open = (url: string): Promise<Session> =>
  openSession({
    endpoint: { url },
    applicationName: 'turnout/1/test/shop',
    settings: { search_path: 'public' },
  });

beforeEach(async () => {
  round += 1;
  blue = await open(await old.createDatabase(`shop_${round}`));
  green = await open(await young.createDatabase(`shop_${round}`));
});

afterEach(() => Promise.all([blue.end(), green.end()]));

const blueEndpoint = (user = 'postgres'): { url: string } => ({
  url: old.url(`shop_${round}`, user),
});

test('tables of a section are guarded from their first moment: no write comes before', async () => {
  await installCluster(green, { pair: 'shop', side: 'green', state: 'closed' });
  await blue.query(`create table loose (id int); create table parts (id int) partition by range (id);
    create table low partition of parts for values from (0) to (9)`);
  await loadSection(green, await dumpSection(blueEndpoint(), 'pre-data'));
  const { rows } = await green.query<{ name: string; together: string }>(
    `select c.relname as name, c.xmin = t.xmin as together
     from pg_class c join pg_trigger t on t.tgrelid = c.oid and t.tgname = 'turnout_guard'
     where c.relnamespace = 'public'::regnamespace order by 1`,
  );
  expect(rows).toEqual(['loose', 'low', 'parts'].map((name) => ({ name, together: 't' })));
  const client = await open(young.url(`shop_${round}`));
  await expect(client.query('insert into public.loose values (1)')).rejects.toMatchObject({
    code: '25006',
    schema: 'turnout',
  });
  await client.end();
});

test('a role that green lacks: the object, the SQLSTATE and the message; the remedy works', async () => {
  await blue.query(`create role only_blue; create table kept (id int default 4711);
    alter table kept owner to only_blue`);
  const text = await dumpSection(blueEndpoint(), 'pre-data');
  const failed = loadSection(green, text);
  await expect(failed).rejects.toMatchObject({
    code: 'TRN2021',
    facts: {
      object: 'TABLE public.kept',
      sqlstate: '42704',
      message: 'role "only_blue" does not exist',
    },
  });
  // All or nothing: the load may be repeated as it is.
  await green.query(`create role only_blue`);
  await loadSection(green, text);
  expect((await green.query(`select * from public.kept`)).rows).toEqual([]);
});

test('an extension that green does not offer is named', async () => {
  const text = `--\n-- Name: nowhere; Type: EXTENSION; Schema: -; Owner: -\n--\n\ncreate extension nowhere;`;
  await expect(loadSection(green, text)).rejects.toMatchObject({
    facts: { object: 'EXTENSION nowhere', sqlstate: expect.stringMatching(/^(0A000|58P01)$/) },
  });
});

test('rows that break an index: the index is named, the value is not', async () => {
  await blue.query(`create table coded (v text); create index numbers on coded ((v::int))`);
  await loadSection(green, await dumpSection(blueEndpoint(), 'pre-data'));
  await green.query(`insert into public.coded values ('very secret')`);
  const failed = loadSection(green, await dumpSection(blueEndpoint(), 'post-data'));
  await expect(failed).rejects.toMatchObject({
    facts: { object: 'INDEX public.numbers', sqlstate: '22P02', message: null },
  });
  await failed.catch((thrown: Error) => expect(thrown.message).not.toContain('secret'));
});

test('pg_dump that may not read says which table, and no password', async () => {
  await blue.query(`create table hidden (id int); create role nobody login`);
  const endpoint = { url: blueEndpoint('nobody').url.replace('nobody@', 'nobody:hunter2@') };
  const failed = dumpSection(endpoint, 'pre-data');
  await expect(failed).rejects.toMatchObject({
    code: 'TRN2021',
    facts: {
      program: 'pg_dump',
      section: 'pre-data',
      exit: 1,
      message: expect.stringContaining('permission denied for table hidden'),
    },
  });
  await failed.catch((thrown: Error) =>
    expect(`${thrown.message}${String(thrown.cause)}`).not.toContain('hunter2'),
  );
});

test('bodies of functions arrive as they are, our own triggers and lines of psql do not', async () => {
  const body = `begin\n  -- turnout_guard is named here\n\\backslash\n-- Name: x; Type: y; Schema: z; Owner: w\nend`;
  await blue.query(`create table t (id int);
    create function f() returns trigger language plpgsql as $$begin return null; end$$;
    create trigger turnout_guard before insert on t for each statement execute function f();
    create trigger mine before insert on t for each statement execute function f()`);
  await blue.query(`set check_function_bodies = off`);
  await blue.query(`create function odd() returns void language plpgsql as $f$${body}$f$`);
  for (const section of ['pre-data', 'post-data'] as const) {
    await loadSection(green, await dumpSection(blueEndpoint(), section));
  }
  const { rows } = await green.query(`select prosrc from pg_proc where proname = 'odd'`);
  expect(rows).toEqual([{ prosrc: body }]);
  const triggers = await green.query(`select tgname from pg_trigger where not tgisinternal`);
  expect(triggers.rows).toEqual([{ tgname: 'mine' }]);
});

test('an event trigger of the user on green does not fire on what is loaded', async () => {
  await green.query(`create function refuse() returns event_trigger language plpgsql
      as $$begin raise exception 'no DDL here'; end$$;
    create event trigger refuse on ddl_command_start execute function refuse()`);
  await blue.query(`create table t (id int)`);
  await loadSection(green, await dumpSection(blueEndpoint(), 'pre-data'));
  expect((await green.query(`select * from public.t`)).rows).toEqual([]);
  await green.query(`set session_replication_role = replica; drop event trigger refuse`);
});
