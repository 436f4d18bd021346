import { pipeline } from 'node:stream/promises';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { copyIn, copyOut } from './copy.js';
import { openPool, type Pool } from './pool.js';
import { openSession, withSession, type Endpoint } from './session.js';

let cluster: Cluster;
let endpoint: Endpoint;
let pool: Pool;

beforeAll(async () => {
  cluster = await startCluster({ version: '13' });
  endpoint = { url: cluster.url() };
});

afterAll(() => cluster[Symbol.asyncDispose]());

const options = (): Parameters<typeof openPool>[0] => ({
  endpoint,
  applicationName: 'turnout/1/store/shop',
  connectionsMax: 1,
});

beforeEach(async () => {
  pool = openPool(options());
  await pool.query('create table public.items (id int primary key, note text)');
});

afterEach(async () => {
  await pool.query('drop table public.items');
  await pool.end();
});

test('values arrive as text under settings that no role can change', async () => {
  await pool.query(`alter role postgres set datestyle = 'German'`);
  try {
    const other = openPool({ ...options(), settings: { row_security: 'off' } });
    const { rows } = await other.query(
      `select $1::date as day, current_setting('row_security') as security`,
      ['2024-02-01'],
    );
    expect(rows).toEqual([{ day: '2024-02-01', security: 'off' }]);
    await other.end();
  } finally {
    await pool.query('alter role postgres reset all');
  }
});

test('a transaction that throws leaves nothing, and the only session stays usable', async () => {
  await expect(
    pool.transaction(async (session) => {
      await session.query(`insert into public.items values (1, 'x')`);
      throw new Error('changed my mind');
    }),
  ).rejects.toThrow('changed my mind');
  expect((await pool.query('select from public.items')).rowCount).toBe(0);
});

test('a commit that the server answers with ROLLBACK is an error', async () => {
  const refused = pool.transaction(async (session) => {
    await session.query('select 1/0').catch(() => undefined);
  });
  await expect(refused).rejects.toMatchObject({ code: 'TRN5020' });
});

test('a session left inside a transaction is not lent again', async () => {
  await pool.withClient((session) => session.query('begin'));
  const { rows } = await pool.query(
    `select count(*) as open from pg_stat_activity where state like 'idle in transaction%'`,
  );
  expect(rows).toEqual([{ open: '0' }]);
});

test('a connection that dies is replaced', async () => {
  const { rows } = await pool.query<{ pid: string }>('select pg_backend_pid() as pid');
  await withSession({ endpoint, applicationName: 'turnout/1/test/shop' }, async (session) => {
    await session.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
  });
  await pool.query('select 1').catch(() => undefined);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: '1' }]);
});

test('a dead server and a missing database are told apart', async () => {
  const { hostname, port } = new URL(endpoint.url);
  const dead = openSession({
    endpoint: { url: 'postgres://nobody@127.0.0.1:1/shop' },
    applicationName: 'turnout/1/test/shop',
  });
  await expect(dead).rejects.toMatchObject({ code: 'TRN2001', facts: { port: '1' } });
  const missing = openSession({
    endpoint: { url: `postgres://postgres@${hostname}:${port}/missing` },
    applicationName: 'turnout/1/test/shop',
  });
  await expect(missing).rejects.toMatchObject({ code: 'TRN2003' });
});

test('a URL cannot take away what a session of ours says about itself', async () => {
  const url = `${endpoint.url}?application_name=other&options=-c%20datestyle%3DGerman`;
  await withSession(
    { endpoint: { url }, applicationName: 'turnout/1/test/shop' },
    async (session) => {
      const { rows } = await session.query(
        `select current_setting('application_name') as name, current_setting('datestyle') as style`,
      );
      expect(rows).toEqual([{ name: 'turnout/1/test/shop', style: 'ISO, MDY' }]);
    },
  );
});

test('rows are copied as raw bytes from one session to another', async () => {
  await pool.query(
    `insert into public.items select n, e'tab\\t' || n from generate_series(1, 1000) n`,
  );
  await pool.query('create table public.copies (like public.items)');
  const both = [0, 1].map(() => openSession({ endpoint, applicationName: 'turnout/1/copy/shop' }));
  const [from, into] = await Promise.all(both);
  try {
    const sink = copyIn(into!, 'copy public.copies from stdin');
    await pipeline(copyOut(from!, 'copy public.items to stdout'), sink);
    expect(sink.rowCount).toBe(1000);
    const { rows } = await pool.query(
      'select count(*) as equal from public.items join public.copies using (id, note)',
    );
    expect(rows).toEqual([{ equal: '1000' }]);

    const failing = pipeline(
      copyOut(from!, 'copy (select id, id / (id - 900) from public.items) to stdout'),
      copyIn(into!, 'copy public.copies from stdin'),
    );
    await expect(failing).rejects.toThrow(/division/);
    expect((await into!.query('select 1 as one')).rows).toEqual([{ one: '1' }]);
  } finally {
    await from!.end();
    await into!.end();
    await pool.query('drop table public.copies');
  }
});
