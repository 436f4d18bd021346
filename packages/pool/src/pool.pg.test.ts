import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { otherSide, type Side } from '@turnout/core/sides';
import { deferred, waitUntil } from '@turnout/core/waiting';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { HoldTimeoutError, TransactionRolledBackError } from './errors.js';
import { createPool, type CreatePoolOptions, type TurnoutPool } from './pool.js';

const sqlOf = (path: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../../sql/cluster/${path}.sql`, import.meta.url)), 'utf8');

let cluster: Cluster;
let urls: Record<Side, string>;
let sessions: Record<Side, pg.Client>;
let pool: TurnoutPool;
let generation = 0;

beforeAll(async () => {
  cluster = await startCluster({ version: '15', name: 'pool' });
});

afterAll(() => cluster[Symbol.asyncDispose]());

beforeEach(async () => {
  generation += 1;
  urls = {
    blue: await cluster.createDatabase(`blue${generation}`),
    green: await cluster.createDatabase(`green${generation}`),
  };
  sessions = { blue: new pg.Client(urls.blue), green: new pg.Client(urls.green) };
  for (const side of ['blue', 'green'] as const) {
    await sessions[side].connect();
    await sessions[side].query('create table item (id text primary key)');
  }
});

afterEach(async () => {
  await pool.end();
  await sessions.blue.end();
  await sessions.green.end();
});

function open(options: Partial<CreatePoolOptions> = {}): TurnoutPool {
  pool = createPool({ ...urls, pair: 'shop', ...options });
  return pool;
}

async function install(): Promise<void> {
  for (const side of ['blue', 'green'] as const) {
    await sessions[side].query(await sqlOf('0001_objects'));
    await sessions[side].query(
      `insert into turnout.side (pair, side, state) values ('shop', $1, $2)`,
      [side, side === 'blue' ? 'open' : 'closed'],
    );
    await sessions[side].query(
      `create trigger turnout_guard before insert or update or delete or truncate on item
         for each statement execute function turnout.guard()`,
    );
    await setGuard(side, side === 'blue' ? 'armed' : 'closed');
  }
}

async function setGuard(side: Side, body: 'armed' | 'closed'): Promise<void> {
  const text = (await sqlOf(`guard/${body}`)).replaceAll(':hint', `'use the other side'`);
  await sessions[side].query(text);
}

/** The fence as the protocol has it: one open transaction that holds the turnstile alone. */
async function fence(side: Side): Promise<void> {
  await sessions[side].query('begin');
  await sessions[side].query(
    `update turnout.side set state = 'closed', fence_epoch = fence_epoch + 1`,
  );
  await sessions[side].query('lock table turnout.turnstile in exclusive mode');
  await setGuard(side, 'closed');
}

async function prepare(side: Side): Promise<void> {
  await sessions[side].query('begin');
  await sessions[side].query(
    `update turnout.side set state = 'open', fence_epoch = (fence_epoch + 1)`,
  );
  await setGuard(side, 'armed');
}

async function switchTo(to: Side): Promise<void> {
  await fence(otherSide(to));
  await prepare(to);
  await sessions[otherSide(to)].query('commit');
  await sessions[to].query('commit');
}

async function idsOn(side: Side): Promise<string[]> {
  const { rows } = await sessions[side].query('select id from item order by id');
  return rows.map((row) => row.id);
}

/** Sessions that wait for a lock on `side`, once there are `count` of them. */
async function queuedOn(side: Side, count: number): Promise<void> {
  const watcher = new pg.Client(urls[side]);
  await watcher.connect();
  try {
    await waitUntil(
      async () => {
        const { rows } = await watcher.query(
          `select count(*)::int as n from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return rows[0].n >= count ? true : undefined;
      },
      { timeoutMs: 10_000, intervalMs: 5, onTimeout: () => new Error('nobody queued') },
    );
  } finally {
    await watcher.end();
  }
}

const insert = 'insert into item values ($1)';

test('queued and new writes land on the side that opens, once, and none is refused', async () => {
  await install();
  open();
  await pool.query(insert, ['before']);
  await fence('blue');
  const queued = pool.query(insert, ['queued']);
  await queuedOn('blue', 1);
  await prepare('green');
  await sessions.blue.query('commit');
  await waitUntil(async () => (pool.side === null ? true : undefined), {
    timeoutMs: 5_000,
    intervalMs: 1,
    onTimeout: () => new Error('the refusal was not noticed'),
  });
  const fresh = pool.query(insert, ['fresh']);
  expect(pool.waitingCount).toBeGreaterThan(0);
  await sessions.green.query('commit');
  expect((await queued).rowCount).toBe(1);
  expect((await fresh).rowCount).toBe(1);
  expect(await idsOn('blue')).toEqual(['before']);
  expect(await idsOn('green')).toEqual(['fresh', 'queued']);
  expect(pool.side).toBe('green');
});

test('a refused transaction runs again from its start, on the other side', async () => {
  await install();
  open();
  let runs = 0;
  const readFirst = deferred();
  const go = deferred();
  const work = pool.transaction(
    async (client) => {
      runs += 1;
      await client.query('select from item');
      readFirst.resolve();
      await go.promise;
      await client.query(insert, [`run ${runs}`]);
      const { rows } = await client.query('show transaction_isolation');
      return rows[0].transaction_isolation;
    },
    { isolation: 'repeatable read' },
  );
  await readFirst.promise;
  await switchTo('green');
  go.resolve();
  expect(await work).toBe('repeatable read');
  expect(runs).toBe(2);
  expect(await idsOn('blue')).toEqual([]);
  expect(await idsOn('green')).toEqual(['run 2']);
});

test('a transaction that has written finishes where it is: the fence waits for it', async () => {
  await install();
  open();
  const wrote = deferred();
  const go = deferred();
  const work = pool.transaction(async (client) => {
    await client.query(insert, ['one']);
    wrote.resolve();
    await go.promise;
    await client.query(insert, ['two']);
  });
  await wrote.promise;
  const switched = switchTo('green');
  await queuedOn('blue', 1);
  go.resolve();
  await work;
  await switched;
  expect(await idsOn('blue')).toEqual(['one', 'two']);
});

test('25006 that is not of Turnout is passed on and nothing runs twice', async () => {
  await install();
  open();
  let runs = 0;
  const work = pool.transaction(
    async (client) => {
      runs += 1;
      await client.query(insert, ['x']);
    },
    { readOnly: true },
  );
  await expect(work).rejects.toMatchObject({ code: '25006', schema: undefined });
  expect(runs).toBe(1);
  const database = new URL(urls.blue).pathname.slice(1);
  await sessions.blue.query(`alter database ${database} set default_transaction_read_only = on`);
  const readOnly = createPool({ ...urls, pair: 'shop' });
  await expect(readOnly.query(insert, ['x'])).rejects.toMatchObject({ code: '25006' });
  await readOnly.end();
});

test('a hold ends with a typed error that carries the refusal', async () => {
  await install();
  open({ holdMax: '200ms' });
  await pool.query('select 1');
  await fence('blue');
  await sessions.blue.query('commit');
  const error: unknown = await pool.query(insert, ['x']).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(HoldTimeoutError);
  expect(error).toMatchObject({ holdMaxMs: 200, cause: { code: '25006', schema: 'turnout' } });
  await expect(pool.connect()).rejects.toBeInstanceOf(HoldTimeoutError);
});

test('a client taken with connect() gets the refusal as it is', async () => {
  await install();
  open();
  const client = await pool.connect();
  await switchTo('green');
  await expect(client.query(insert, ['x'])).rejects.toMatchObject({
    code: '25006',
    schema: 'turnout',
  });
  client.release();
});

test('a procedure that commits within itself is not run again', async () => {
  await install();
  open();
  await sessions.blue.query(
    `create procedure two_steps() language plpgsql as
       $$ begin perform 1; commit; insert into item values ('second'); end $$`,
  );
  await pool.query('select 1');
  await switchTo('green');
  await expect(pool.query('call two_steps()')).rejects.toMatchObject({ schema: 'turnout' });
  // The refusal was still heeded: the next call goes to the open side.
  await pool.query(insert, ['next']);
  expect(await idsOn('green')).toEqual(['next']);
});

test('COMMIT that answers ROLLBACK is an error, for nothing was committed', async () => {
  open();
  const work = pool.transaction(async (client) => {
    await client.query('select 1/0').catch(() => undefined);
  });
  await expect(work).rejects.toBeInstanceOf(TransactionRolledBackError);
});

test('a connection that dies before COMMIT fails the transaction plainly, once', async () => {
  await install();
  open();
  let runs = 0;
  const work = pool.transaction(async (client) => {
    runs += 1;
    const ended = new Promise((resolve) => client.once('end', resolve));
    const { rows } = await client.query('select pg_backend_pid() as pid');
    await client.query(insert, ['x']);
    await sessions.blue.query('select pg_terminate_backend($1)', [rows[0].pid]);
    await ended;
  });
  await expect(work).rejects.not.toMatchObject({ name: 'OutcomeUnknownError' });
  expect(runs).toBe(1);
  expect(await idsOn('blue')).toEqual([]);
});

test('before Turnout is installed everything goes to blue, and after `complete` it stays on green', async () => {
  open({ recheckMs: 0 });
  await pool.query(insert, ['plain']);
  expect(await idsOn('blue')).toEqual(['plain']);
  await install();
  await switchTo('green');
  await pool.query(insert, ['switched']);
  for (const side of ['blue', 'green'] as const) {
    await sessions[side].query('drop schema turnout cascade');
  }
  await pool.query(insert, ['completed']);
  await pool.query('select 1');
  expect(await idsOn('green')).toEqual(['completed', 'switched']);
});

test('a pool that only reads follows too, and survives what the coordinator terminates', async () => {
  await install();
  open({ recheckMs: 20 });
  await pool.query('select 1');
  const database = new URL(urls.blue).pathname.slice(1);
  await switchTo('green');
  await sessions.green.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = $1 and application_name <> '' `,
    [database],
  );
  const where = await waitUntil(
    async () => {
      const { rows } = await pool.query('select current_database() as name');
      return rows[0].name === database ? undefined : String(rows[0].name);
    },
    { timeoutMs: 5_000, intervalMs: 5, onTimeout: () => new Error('still reads the closed side') },
  );
  expect(where).toBe(database.replace('blue', 'green'));
});

test('the wrong address is told at once instead of being held', async () => {
  const wrong = 'postgres://postgres@127.0.0.1:1/none';
  open({ blue: wrong, green: wrong });
  await expect(pool.query('select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('callbacks work as in pg.Pool', async () => {
  open();
  const rows = deferred<unknown>();
  pool.query('select 1 as one', (error, result) => rows.resolve(error ?? result.rows));
  expect(await rows.promise).toEqual([{ one: 1 }]);
  const failed = deferred<unknown>();
  pool.query('select 1/0', [], (error) => failed.resolve(error));
  expect(await failed.promise).toMatchObject({ code: '22012' });
  const connected = deferred<unknown>();
  pool.connect((error, client, done) => {
    done();
    connected.resolve(error ?? client);
  });
  expect(await connected.promise).toHaveProperty('query');
});

test('writers that go on through switches and rollbacks lose and repeat nothing', async () => {
  await install();
  open();
  const stop = new AbortController();
  const acknowledged: string[] = [];
  const writer = async (name: number): Promise<void> => {
    for (let turn = 0; !stop.signal.aborted; turn += 1) {
      const id = `${name}-${turn}`;
      if (turn % 2 === 0) await pool.query(insert, [id]);
      else await pool.transaction((client) => client.query(insert, [id]));
      acknowledged.push(id);
    }
  };
  const writers = Array.from({ length: 8 }, (_, name) => writer(name));
  for (const to of ['green', 'blue', 'green', 'blue', 'green'] as const) {
    const goal = acknowledged.length + 40;
    await waitUntil(async () => (acknowledged.length >= goal ? true : undefined), {
      timeoutMs: 10_000,
      intervalMs: 2,
      onTimeout: () => new Error('the writers do not get on'),
    });
    await switchTo(to);
  }
  stop.abort();
  await Promise.all(writers);
  const found = [...(await idsOn('blue')), ...(await idsOn('green'))];
  expect(found.sort()).toEqual(acknowledged.sort());
});

test('end() leaves no connection behind', async () => {
  await install();
  open();
  await Promise.all(Array.from({ length: 5 }, (_, n) => pool.query(insert, [`${n}`])));
  await switchTo('green');
  await pool.query(insert, ['last']);
  await pool.end();
  expect(pool).toMatchObject({ ended: true, totalCount: 0, waitingCount: 0 });
  await waitUntil(
    async () => {
      const { rows } = await sessions.blue.query(
        `select count(*)::int as n from pg_stat_activity
          where datname ~ 'blue|green' and application_name like 'turnout_pool%'`,
      );
      return rows[0].n === 0 ? true : undefined;
    },
    { timeoutMs: 5_000, intervalMs: 10, onTimeout: () => new Error('connections are left') },
  );
  await expect(pool.query('select 1')).rejects.toThrow(/after calling end/);
});
