import { randomUUID } from 'node:crypto';
import { systemClock } from '@turnout/core/clock';
import { sessionName } from '@turnout/core/object-names';
import { deferred, waitUntil } from '@turnout/core/waiting';
import { installGuardTriggers } from '@turnout/postgres/cluster/guard-triggers';
import { installCluster } from '@turnout/postgres/cluster/install';
import { openSession, type Session } from '@turnout/postgres/session';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PairContext } from '../context.js';
import type { GateKeeper } from '../gates/gate-keeper.js';
import { takeOver } from '../side/claim.js';
import { commit } from '../side/commit.js';
import { advanceSequences } from '../side/sequences.js';
import { openRoleSession } from '../side/sessions.js';
import { readSideRow } from '../side/side-row.js';
import { transition } from '../side/transition.js';
import { awaitOlderWriters, proveNoBypass } from '../side/writers.js';
import { Attempt } from './attempt.js';
import type { Recorder } from './recorder.js';
import { fence } from './window.js';

/**
 * The fence against real writers on the oldest server it must hold on. Blue and green are two
 * databases of one cluster here: nothing below depends on replication.
 */
let cluster: Cluster;
let blueUrl: string;
let greenUrl: string;
let run: Attempt;
const opened: Session[] = [];

beforeAll(async () => {
  cluster = await startCluster({ version: '13' });
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

async function connect(url: string, name = 'app'): Promise<Session> {
  const session = await openSession({ endpoint: { url }, applicationName: name });
  opened.push(session);
  return session;
}

function makeAttempt(epoch: bigint): Attempt {
  const pair = {
    name: 'shop',
    blue: { url: blueUrl },
    green: { url: greenUrl },
    tables: { include: ['*.*'], exclude: [] },
    window: { maxMs: 5_000, lockTimeoutMs: 200, attemptsMax: 2, standbyWaitMs: 500 },
    standbys: 'streaming',
    gates: { lagMaxMs: 1_000, verifiedWithinMs: 1, writerAgeMaxMs: 2_000 },
  };
  // Only what the protocol's own statements need; stores and routes have their own tests.
  return new Attempt({
    context: { pair, clock: systemClock } as unknown as PairContext,
    gates: {} as GateKeeper,
    recorder: {} as Recorder,
    row: { id: 'sw_test', to: 'green', actor: 'test' },
    epoch,
  });
}

async function acquire(epoch: bigint): Promise<Attempt> {
  const target = makeAttempt(epoch);
  const { pair } = target.context;
  target.learn({ claimed: await takeOver({ pair, sides: ['blue', 'green'], epoch }) });
  target.learn({ fence: await openRoleSession(pair, 'blue', 'fence', epoch) });
  target.learn({ prepare: await openRoleSession(pair, 'green', 'prepare', epoch) });
  return target;
}

const swap = (guard: 'pass' | 'armed'): Promise<void> =>
  transition(run.control('blue'), run.known('claimed').claim, {
    side: 'blue',
    expect: 'open',
    guard,
    fenceEpoch: run.epoch,
    switchoverId: null,
  });

beforeEach(async () => {
  const suffix = randomUUID().slice(0, 8);
  blueUrl = await cluster.createDatabase(`blue_${suffix}`);
  greenUrl = await cluster.createDatabase(`green_${suffix}`);
  for (const [side, url] of [
    ['blue', blueUrl],
    ['green', greenUrl],
  ] as const) {
    const session = await connect(url, sessionName(0n, 'install', 'shop'));
    await session.query('create table public.t (id int primary key, v text)');
    await session.query('create sequence public.s');
    await installCluster(session, {
      pair: 'shop',
      side,
      state: side === 'blue' ? 'open' : 'closed',
    });
    await installGuardTriggers(session);
  }
  run = await acquire(1n);
  await swap('armed');
});

afterEach(async () => {
  run.destroySessions();
  for (const session of opened.splice(0)) await session.end().catch(() => undefined);
  const admin = await openSession({ endpoint: { url: cluster.url() }, applicationName: 'test' });
  await waitUntil(
    async () => {
      const { rows } = await admin.query(
        `select from pg_stat_activity where datname ~ '^(blue|green)_' and backend_type = 'client backend'`,
      );
      return rows.length === 0 ? true : undefined;
    },
    { timeoutMs: 5_000, intervalMs: 10, onTimeout: () => new Error('a session stayed behind') },
  );
  await admin.end();
});

/** Starts a write and waits until it is queued on the turnstile, then hands over its outcome. */
async function queuedWrite(writer: Session, text: string): Promise<{ outcome: Promise<string> }> {
  const outcome = writer.query(text).then(
    ({ command }) => command,
    (thrown: { code: string; schema?: string }) => `${thrown.code} ${thrown.schema ?? ''}`.trim(),
  );
  const control = run.control('blue');
  await waitUntil(
    async () => {
      const { rows } = await control.query(
        `select from pg_locks where relation = 'turnout.turnstile'::regclass and not granted`,
      );
      return rows.length > 0 ? true : undefined;
    },
    { timeoutMs: 3_000, intervalMs: 2, onTimeout: () => new Error('the write did not queue') },
  );
  // In an object: returning the promise itself would wait for it here.
  return { outcome };
}

test('a queued writer is refused with our own 25006 when the fence commits', async () => {
  await fence(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `insert into public.t values (1, 'x')`);
  expect(await commit(run.known('fence'), 1_000)).toBe('committed');
  expect(await outcome).toBe('25006 turnout');
  const row = await readSideRow(run.control('blue'));
  expect(row).toMatchObject({ state: 'closed', fenceEpoch: run.epoch });
});

test('a queued writer goes on when the fence is undone', async () => {
  await fence(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `insert into public.t values (1, 'x')`);
  await run.known('fence').query('rollback');
  expect(await outcome).toBe('INSERT');
});

test('the fence releases itself when the connection of its coordinator dies', async () => {
  await fence(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `insert into public.t values (1, 'x')`);
  const admin = await connect(blueUrl);
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'turnout/%/fence/%'`,
  );
  expect(await outcome).toBe('INSERT');
  expect((await readSideRow(run.control('blue'))).state).toBe('open');
});

test('the dead-man switch: a fence whose coordinator hangs is released after the window', async () => {
  const session = run.known('fence');
  await session.query(`set idle_in_transaction_session_timeout = 300`);
  await fence(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `insert into public.t values (1, 'x')`);
  expect(await outcome).toBe('INSERT');
});

test('the fence waits for the writer in flight, whose later statements pass', async () => {
  const writer = await connect(blueUrl);
  await writer.query('begin');
  await writer.query(`insert into public.t values (1, 'x')`);
  const closing = fence(run);
  await writer.query(`insert into public.t values (2, 'y')`);
  await writer.query('commit');
  await closing;
  expect(run.known('fenceEpoch')).toBe(1n);
});

test('a writer that does not end makes the fence give up, and nothing is closed', async () => {
  const writer = await connect(blueUrl);
  await writer.query('begin');
  await writer.query(`insert into public.t values (1, 'x')`);
  await expect(fence(run)).rejects.toMatchObject({ code: 'TRN5008' });
  expect((await readSideRow(run.control('blue'))).state).toBe('open');
  expect((await writer.query('commit')).command).toBe('COMMIT');
});

test('a prepared transaction that wrote blocks the fence', async () => {
  const writer = await connect(blueUrl);
  const name = `held_${randomUUID()}`;
  await writer.query('begin');
  await writer.query(`insert into public.t values (1, 'x')`);
  await writer.query(`prepare transaction '${name}'`);
  await expect(fence(run)).rejects.toMatchObject({ code: 'TRN5008' });
  await writer.query(`rollback prepared '${name}'`);
});

test('reads and nextval pass the fence', async () => {
  await fence(run);
  const reader = await connect(blueUrl);
  await reader.query('select * from public.t for update');
  const { rows } = await reader.query<{ nextval: string }>(`select nextval('public.s')`);
  expect(rows[0]?.nextval).toBe('1');
});

test('a writer in replica role passes every trigger and is found by its lock', async () => {
  const rogue = await connect(blueUrl, 'rogue');
  await rogue.query('set session_replication_role = replica');
  await rogue.query('begin');
  await rogue.query(`insert into public.t values (9, 'rogue')`);
  await fence(run);
  await expect(proveNoBypass(run.control('blue'))).rejects.toMatchObject({
    code: 'TRN5011',
    facts: { application: 'rogue' },
  });
});

test('queued writers are no bypass', async () => {
  await fence(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `update public.t set v = 'z'`);
  expect(await proveNoBypass(run.control('blue'))).toEqual([]);
  await run.known('fence').query('rollback');
  expect(await outcome).toBe('UPDATE');
});

test('a queued TRUNCATE is cancelled, for it would stop the readers of its table', async () => {
  await fence(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, 'truncate public.t');
  expect(await proveNoBypass(run.control('blue'))).toHaveLength(1);
  expect(await outcome).toBe('57014');
});

test('arming waits for a transaction that wrote before the armed body was there', async () => {
  const control = run.control('blue');
  await swap('pass');
  const older = await connect(blueUrl);
  await older.query('begin');
  await older.query(`insert into public.t values (1, 'x')`);
  await swap('armed');
  const settled = deferred<number>();
  awaitOlderWriters(control, 5_000, new AbortController().signal).then(
    settled.resolve,
    settled.reject,
  );
  // Queued behind the reading on the same session: answered once the reading was taken.
  await control.query('select 1');
  await older.query('commit');
  expect(await settled.promise).toBe(1);
});

test('a successor ends the sessions of its predecessor, whose fence rolls back', async () => {
  await fence(run);
  const successor = await acquire(7n);
  expect((await readSideRow(successor.control('blue'))).state).toBe('open');
  await expect(run.known('fence').query('select 1')).rejects.toThrow();
  successor.destroySessions();
});

test('a superseded coordinator can neither close nor swap, and never holds the turnstile', async () => {
  const rival = await connect(blueUrl);
  await rival.query(
    `update turnout.side set claim_epoch = claim_epoch + 1, holder = '${randomUUID()}'`,
  );
  await expect(fence(run)).rejects.toMatchObject({ code: 'TRN5015' });
  await expect(swap('pass')).rejects.toMatchObject({ code: 'TRN5015' });
  await run.known('fence').query('rollback');
  const { rows } = await rival.query(
    `select from pg_locks where relation = 'turnout.turnstile'::regclass`,
  );
  expect(rows).toHaveLength(0);
});

test('row and guard change together: a transition from another state changes neither', async () => {
  const closed = { side: 'blue', expect: 'closed', guard: 'pass', switchoverId: null } as const;
  await expect(
    transition(run.control('blue'), run.known('claimed').claim, { ...closed, fenceEpoch: 9n }),
  ).rejects.toMatchObject({ code: 'TRN5015' });
  expect(await readSideRow(run.control('blue'))).toMatchObject({ state: 'open', guard: 'armed' });
});

test('the COMMIT of a failed transaction is no commit, although it raises nothing', async () => {
  const session = run.known('fence');
  await session.query('begin');
  await session.query('select 1/0').catch(() => undefined);
  expect(await commit(session, 1_000)).toBe('rolled_back');
});

test('a COMMIT whose connection died is unknown, never a success', async () => {
  const session = run.known('fence');
  await session.query('begin');
  await session.end();
  expect(await commit(session, 1_000)).toBe('unknown');
});

test('sequences are set ahead and never back', async () => {
  const [blue, green] = [run.control('blue'), run.control('green')];
  await blue.query(`select setval('public.s', 500)`);
  const [move] = await advanceSequences(blue, green);
  expect(move).toMatchObject({ name: '"public"."s"', from: '500', to: '1500' });
  await green.query(`select setval('public.s', 9000)`);
  const [kept] = await advanceSequences(blue, green);
  expect(kept).toMatchObject({ from: '500', to: '9000' });
});
