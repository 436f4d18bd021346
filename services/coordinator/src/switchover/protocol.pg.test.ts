import { randomUUID } from 'node:crypto';
import { systemClock } from '@turnout/core/clock';
import { sessionName } from '@turnout/core/object-names';
import { deferred, waitUntil } from '@turnout/core/waiting';
import { guardBody } from '@turnout/postgres/cluster/guard';
import { installGuardTriggers } from '@turnout/postgres/cluster/guard-triggers';
import { installCluster } from '@turnout/postgres/cluster/install';
import { openSession, type Session } from '@turnout/postgres/session';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { takeOver } from './claim.js';
import { claimedTransaction } from './claimed-transaction.js';
import { commit } from './commit.js';
import { Run, type RunDependencies } from './run.js';
import { advanceSequences } from '../side/sequences.js';
import { endSessions, openRoleSession } from './sessions.js';
import { readSideRow } from './side-row.js';
import { fence } from './steps/fence.js';
import { awaitOlderWriters, proveNoBypass } from './writers.js';

/**
 * The fence against real writers on the oldest server it must hold on. Blue and green are two
 * databases of one cluster here: nothing below depends on replication.
 */
let cluster: Cluster;
let blueUrl: string;
let greenUrl: string;
let run: Run;
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

function makeRun(): Run {
  const pair = {
    name: 'shop',
    blue: { url: blueUrl },
    green: { url: greenUrl },
    tables: { include: ['*.*'], exclude: [] },
    window: { maxMs: 5_000, lockTimeoutMs: 200, attemptsMax: 2 },
    gates: { lagMaxMs: 1_000, verifiedWithinMs: 1, writerAgeMaxMs: 2_000 },
  };
  // Only what the protocol's own statements need; stores and routes have their own tests.
  return new Run({ pair, clock: systemClock } as unknown as RunDependencies, 'sw_test', 'green');
}

async function acquire(target: Run, leaseEpoch = 1n): Promise<void> {
  const { pair } = target.deps;
  const blue = await openRoleSession(pair, 'blue', 'control', 0n);
  const green = await openRoleSession(pair, 'green', 'control', 0n);
  const control = { blue, green };
  const { actor } = await takeOver(
    control,
    { from: target.from, to: target.to, pair: pair.name, leaseEpoch },
    async () => undefined,
  );
  target.actor = actor;
  target.sessions = {
    control,
    fence: await openRoleSession(pair, 'blue', 'fence', actor.epoch),
    prepare: await openRoleSession(pair, 'green', 'prepare', actor.epoch),
  };
}

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
  run = makeRun();
  await acquire(run);
  const { control } = run.opened();
  await claimedTransaction(control.blue, run.acting(), () =>
    control.blue.query(guardBody('armed')),
  );
});

afterEach(async () => {
  await endSessions(run.sessions);
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
  const { control } = run.opened();
  await waitUntil(
    async () => {
      const { rows } = await control.blue.query(
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
  await fence.act(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `insert into public.t values (1, 'x')`);
  expect(await commit(run.opened().fence, 1_000)).toBe('committed');
  expect(await outcome).toBe('25006 turnout');
  const row = await readSideRow(run.opened().control.blue);
  expect(row).toMatchObject({ state: 'closed', fenceEpoch: run.acting().epoch });
});

test('a queued writer goes on when the fence is undone', async () => {
  await fence.act(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `insert into public.t values (1, 'x')`);
  await fence.undo?.(run);
  expect(await outcome).toBe('INSERT');
});

test('the fence releases itself when the connection of its coordinator dies', async () => {
  await fence.act(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `insert into public.t values (1, 'x')`);
  const admin = await connect(blueUrl);
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'turnout/%/fence/%'`,
  );
  expect(await outcome).toBe('INSERT');
  expect((await readSideRow(run.opened().control.blue)).state).toBe('open');
});

test('the dead-man switch: a fence whose coordinator hangs is released after the window', async () => {
  const { fence: session } = run.opened();
  await session.query(`set idle_in_transaction_session_timeout = 300`);
  await fence.act(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `insert into public.t values (1, 'x')`);
  expect(await outcome).toBe('INSERT');
});

test('the fence waits for the writer in flight, whose later statements pass', async () => {
  const writer = await connect(blueUrl);
  await writer.query('begin');
  await writer.query(`insert into public.t values (1, 'x')`);
  const closing = fence.act(run);
  await writer.query(`insert into public.t values (2, 'y')`);
  await writer.query('commit');
  await closing;
  expect(run.fenced).toBe(true);
});

test('a writer that does not end makes the fence give up, and nothing is closed', async () => {
  const writer = await connect(blueUrl);
  await writer.query('begin');
  await writer.query(`insert into public.t values (1, 'x')`);
  await expect(fence.act(run)).rejects.toMatchObject({ code: 'TRN5008' });
  expect((await readSideRow(run.opened().control.blue)).state).toBe('open');
  expect((await writer.query('commit')).command).toBe('COMMIT');
});

test('a prepared transaction that wrote blocks the fence', async () => {
  const writer = await connect(blueUrl);
  const name = `held_${randomUUID()}`;
  await writer.query('begin');
  await writer.query(`insert into public.t values (1, 'x')`);
  await writer.query(`prepare transaction '${name}'`);
  await expect(fence.act(run)).rejects.toMatchObject({ code: 'TRN5008' });
  await writer.query(`rollback prepared '${name}'`);
});

test('reads and nextval pass the fence', async () => {
  await fence.act(run);
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
  await fence.act(run);
  await expect(proveNoBypass(run.opened().control.blue)).rejects.toMatchObject({
    code: 'TRN5011',
    facts: { application: 'rogue' },
  });
});

test('queued writers are no bypass', async () => {
  await fence.act(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, `update public.t set v = 'z'`);
  expect(await proveNoBypass(run.opened().control.blue)).toEqual([]);
  await fence.undo?.(run);
  expect(await outcome).toBe('UPDATE');
});

test('a queued TRUNCATE is cancelled, for it would stop the readers of its table', async () => {
  await fence.act(run);
  const writer = await connect(blueUrl);
  const { outcome } = await queuedWrite(writer, 'truncate public.t');
  expect(await proveNoBypass(run.opened().control.blue)).toHaveLength(1);
  expect(await outcome).toBe('57014');
});

test('arming waits for a transaction that wrote before the armed body was there', async () => {
  const { control } = run.opened();
  await control.blue.query(guardBody('pass'));
  const older = await connect(blueUrl);
  await older.query('begin');
  await older.query(`insert into public.t values (1, 'x')`);
  await control.blue.query(guardBody('armed'));
  const settled = deferred<number>();
  awaitOlderWriters(control.blue, 5_000, new AbortController().signal).then(
    settled.resolve,
    settled.reject,
  );
  // Queued behind the reading on the same session: answered once the reading was taken.
  await control.blue.query('select 1');
  await older.query('commit');
  expect(await settled.promise).toBe(1);
});

test('a successor ends the sessions of its predecessor, whose fence rolls back', async () => {
  await fence.act(run);
  const successor = makeRun();
  await acquire(successor, 7n);
  expect(successor.acting().epoch).toBeGreaterThan(run.acting().epoch);
  expect((await readSideRow(successor.opened().control.blue)).state).toBe('open');
  await expect(run.opened().fence.query('select 1')).rejects.toThrow();
  await endSessions(successor.sessions);
});

test('a superseded coordinator can neither close nor swap, and never holds the turnstile', async () => {
  const zombie = run;
  const { control } = zombie.opened();
  const rival = await connect(blueUrl);
  await rival.query(
    `update turnout.side set claim_epoch = claim_epoch + 1, holder = '${randomUUID()}'`,
  );
  await expect(fence.act(zombie)).rejects.toMatchObject({ code: 'TRN5015' });
  await expect(
    claimedTransaction(control.blue, zombie.acting(), () => control.blue.query('select 1')),
  ).rejects.toMatchObject({ code: 'TRN5015' });
  const { rows } = await rival.query(
    `select from pg_locks where relation = 'turnout.turnstile'::regclass`,
  );
  expect(rows).toHaveLength(0);
});

test('the COMMIT of a failed transaction is no commit, although it raises nothing', async () => {
  const { fence: session } = run.opened();
  await session.query('begin');
  await session.query('select 1/0').catch(() => undefined);
  expect(await commit(session, 1_000)).toBe('rolled_back');
});

test('a COMMIT whose connection died is unknown, never a success', async () => {
  const { fence: session } = run.opened();
  await session.query('begin');
  await session.end();
  expect(await commit(session, 1_000)).toBe('unknown');
});

test('sequences are set ahead and never back', async () => {
  const { control } = run.opened();
  await control.blue.query(`select setval('public.s', 500)`);
  const [move] = await advanceSequences(control.blue, control.green);
  expect(move).toMatchObject({ name: '"public"."s"', from: '500', to: '1500' });
  await control.green.query(`select setval('public.s', 9000)`);
  const [kept] = await advanceSequences(control.blue, control.green);
  expect(kept).toMatchObject({ from: '500', to: '9000' });
});
