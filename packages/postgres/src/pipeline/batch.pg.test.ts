import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { isConnectionLost, sqlState } from '../database-error.js';
import { openSession, type Session } from '../session.js';
import { executeBatch, failedStatement, type BatchStatement } from './batch.js';

let cluster: Cluster;
let session: Session;

beforeAll(async () => {
  cluster = await startCluster({ version: '15' });
});

afterAll(() => cluster[Symbol.asyncDispose]());

beforeEach(async () => {
  const endpoint = { url: cluster.url() };
  session = await openSession({ endpoint, applicationName: 'turnout/1/test/shop' });
  await session.query(`create table public.items (id int primary key, note text)`);
});

afterEach(async () => {
  await session.query('rollback');
  await session.query('drop table public.items');
  await session.end();
});

const plain = (text: string): BatchStatement => ({ text, values: [] });
const insert = (id: number, note: string | null): BatchStatement => ({
  name: 'insert_item',
  text: 'insert into public.items values ($1, $2)',
  values: [String(id), note],
});

const preparedNames = async (): Promise<string[]> => {
  const { rows } = await session.query<{ name: string }>(
    'select name from pg_prepared_statements order by name',
  );
  return rows.map(({ name }) => name);
};

test('a transaction goes in one round trip and every statement answers', async () => {
  const results = await executeBatch(session, [
    plain('begin'),
    insert(1, 'ä€'),
    insert(2, null),
    { name: 'all', text: 'select id, note from public.items order by id', values: [] },
    plain('update public.items set note = $$x$$'),
    plain('commit'),
  ]);
  expect(results.map(({ command, rowCount }) => [command, rowCount])).toEqual([
    ['BEGIN', null],
    ['INSERT', 1],
    ['INSERT', 1],
    ['SELECT', 2],
    ['UPDATE', 2],
    ['COMMIT', null],
  ]);
  expect(results[3]!.rows).toEqual([
    { id: '1', note: 'ä€' },
    { id: '2', note: null },
  ]);
  expect(await preparedNames()).toEqual(['all', 'insert_item']);
});

test('a statement prepared by an earlier batch keeps its column names', async () => {
  const all = { name: 'all', text: 'select id from public.items where id = $1', values: ['7'] };
  await executeBatch(session, [insert(7, 'x'), all]);
  const [again] = await executeBatch(session, [all]);
  expect(again!.rows).toEqual([{ id: '7' }]);
});

test('the first error rejects with its place, nothing behind it runs, and the session goes on', async () => {
  const late = { name: 'late', text: 'select 1 as one', values: [] };
  const thrown: unknown = await executeBatch(session, [
    plain('begin'),
    insert(1, 'a'),
    insert(1, 'b'),
    late,
    plain('commit'),
  ]).catch((error: unknown) => error);
  expect(sqlState(thrown)).toBe('23505');
  expect(failedStatement(thrown)).toBe(2);
  await session.query('rollback');

  const results = await executeBatch(session, [insert(3, 'c'), late]);
  expect(results[1]!.rows).toEqual([{ one: '1' }]);
  expect((await session.query('select id from public.items')).rows).toEqual([{ id: '3' }]);
});

test('a statement that does not parse can be sent again under its name', async () => {
  const broken = { name: 'later', text: 'select id from public.missing', values: [] };
  await expect(executeBatch(session, [broken])).rejects.toMatchObject({ code: '42P01' });
  await session.query('create table public.missing (id int)');
  try {
    await expect(executeBatch(session, [broken])).resolves.toMatchObject([{ command: 'SELECT' }]);
  } finally {
    await session.query('drop table public.missing');
  }
});

test('a deferred constraint that fails at the commit rejects', async () => {
  await session.query(
    'alter table public.items add constraint once unique (note) deferrable initially deferred',
  );
  const thrown: unknown = await executeBatch(session, [insert(1, 'same'), insert(2, 'same')]).catch(
    (error: unknown) => error,
  );
  expect(sqlState(thrown)).toBe('23505');
  expect((await session.query('select from public.items')).rowCount).toBe(0);
});

test('batches sent without waiting are answered in order', async () => {
  const answers = await Promise.all(
    [1, 2, 3].map((id) =>
      executeBatch(session, [plain('begin'), insert(id, 'x'), plain('commit')]),
    ),
  );
  expect(answers.map((results) => results.at(-1)!.command)).toEqual(['COMMIT', 'COMMIT', 'COMMIT']);
});

test('commit of a failed transaction is told by its tag', async () => {
  await session.query('begin');
  await session.query('select 1/0').catch(() => undefined);
  const [result] = await executeBatch(session, [plain('commit')]);
  expect(result!.command).toBe('ROLLBACK');
});

test('more statements than may stay prepared go on working', async () => {
  const select = (n: number): BatchStatement => ({
    name: `s${n}`,
    text: `select ${n} as n`,
    values: [],
  });
  const many = Array.from({ length: 1_500 }, (_, n) => select(n));
  await executeBatch(session, many);
  const results = await executeBatch(session, [select(0), select(1_499)]);
  expect(results.map(({ rows }) => rows[0]?.['n'])).toEqual(['0', '1499']);
  expect((await preparedNames()).length).toBe(1_024);
});

test('a session that ends rejects what is in flight', async () => {
  const doomed = await openSession({
    endpoint: { url: cluster.url() },
    applicationName: 'turnout/1/test/doomed',
  });
  const pid = (await doomed.query<{ pid: string }>('select pg_backend_pid() as pid')).rows[0]!.pid;
  const pending = executeBatch(doomed, [plain('select pg_sleep(60)')]);
  const rejected = pending.catch((thrown: unknown) => thrown);
  await session.query('select pg_terminate_backend($1)', [pid]);
  expect(isConnectionLost(await rejected)).toBe(true);
  await doomed.end();
});
