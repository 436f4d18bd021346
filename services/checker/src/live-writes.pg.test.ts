import { formatLsn, type Lsn } from '@turnout/core/lsn';
import { pause, waitUntil } from '@turnout/core/waiting';
import { openSession } from '@turnout/postgres/session';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startCheckedPair, type CheckedTestPair } from '../test/checked-pair.js';

const SCHEMA = `
  create table public.accounts (id int primary key, balance int not null, note text);
  create table public.moves (id bigserial primary key, account int, amount int);
  create table public.audit (message text);
  alter table public.audit replica identity full;
  create table public.staged (id int primary key, v text);`;

const WRITERS = 3;
const BACKLOG_MAX = 10;

let pair: CheckedTestPair;

beforeAll(async () => {
  pair = await startCheckedPair(SCHEMA, ['accounts', 'moves', 'audit', 'staged']);
  await pair.blue.query(`
    insert into public.accounts select n, 100, 'n' from generate_series(1, 3000) as n;
    insert into public.audit select 'a' || n from generate_series(1, 50) as n`);
  await pair.startChecker();
  expect(await pair.check('full')).toMatchObject({ outcome: 'equal' });
});

beforeEach(async () => {
  await pair.store.tracking.setDesired('shop', 'blue', false);
});

afterAll(async () => {
  await pair?.stop();
});

/** Writers in random order until `work` has ended; answers how many transactions they committed. */
async function whileWriting(work: () => Promise<void>): Promise<number> {
  const stop = new AbortController();
  let committed = 0;
  const writers = Array.from({ length: WRITERS }, async (_, writer) => {
    const session = await openSession({
      endpoint: pair.context.pair.blue,
      applicationName: `writer ${writer}`,
    });
    while (!stop.signal.aborted) {
      const id = 1 + Math.floor(Math.random() * 3_000);
      await session.query(`
        begin;
        update public.accounts set balance = balance + 1 where id = ${id};
        insert into public.moves (account, amount) values (${id}, 1);
        savepoint s;
        update public.accounts set id = id + 10000 where id = ${id} and ${id} % 50 = 0;
        release s;
        delete from public.moves where id in (select id from public.moves order by id limit 1);
        commit`);
      committed += 1;
      await pause(60);
      // The plain applier is slow, on a busy machine very slow: writers that outran it would leave
      // rows in flight for ever, and no check could end.
      while (pair.applier.backlog > BACKLOG_MAX && !stop.signal.aborted) await pause(5);
    }
    await session.end();
  });
  try {
    await work();
  } finally {
    stop.abort();
    await Promise.all(writers);
  }
  return committed;
}

test('checks under concurrent writers raise no false alarm and reach a proof', async () => {
  const committed = await whileWriting(async () => {
    for (let run = 0; run < 12; run += 1) {
      const kind = run % 2 === 0 ? 'full' : 'incremental';
      expect(await pair.check(kind)).toMatchObject({ outcome: 'equal', reason: null });
    }
  });
  expect(committed).toBeGreaterThan(5);
});

test('an applier that stops and goes on under writers raises no false alarm', async () => {
  await whileWriting(async () => {
    const stop = new AbortController();
    const stutter = (async () => {
      while (!stop.signal.aborted) {
        pair.applier.pause();
        await pause(60);
        pair.applier.resume();
        await pause(30);
      }
    })();
    try {
      for (let run = 0; run < 12; run += 1) {
        expect(await pair.check('full')).toMatchObject({ outcome: 'equal', reason: null });
      }
    } finally {
      stop.abort();
      await stutter;
    }
  });
});

test('a commit that waits for a standby is decoded before it is visible, and is no difference', async () => {
  const waiter = await openSession({
    endpoint: pair.context.pair.blue,
    applicationName: 'waiter',
  });
  await pair.blue.query(`set synchronous_commit = local`);
  await pair.blue.query(`alter system set synchronous_standby_names = 'nobody'`);
  await pair.blue.query(`select pg_reload_conf()`);
  await untilCommitsStall();
  const stalled = waiter.query(`update public.accounts set note = 'stalled' where id = 1`);
  const { rows: seen } = await waitForNote('stalled');
  expect(seen).toHaveLength(1);
  const { rows } = await pair.blue.query(`select note from public.accounts where id = 1`);
  expect(rows[0].note).toBe('n');
  // Green shows the row that blue does not: only the transaction's id tells that this is time.
  const pending = await pair.store.checks.request('shop', 'full');
  await pair.blue.query(`update public.accounts set note = 'later' where id = 2`);
  await pause(300);
  expect(await pair.store.checks.openDifferences('shop')).toBe(0);
  await pair.blue.query(`alter system reset synchronous_standby_names`);
  await pair.blue.query(`select pg_reload_conf()`);
  await stalled;
  await waiter.end();
  const check = await waitUntil(
    async () => {
      const row = await pair.store.checks.get(pending);
      return row && row.outcome !== 'running' ? row : undefined;
    },
    { timeoutMs: 20_000, intervalMs: 20, onTimeout: () => new Error('check did not end') },
  );
  expect(check).toMatchObject({ outcome: 'equal', differences: 0 });
});

/**
 * Every session sees the new setting before commits obey it: that is the checkpointer's to tell. So
 * a commit is sent, and sent again, until one is seen to wait; then it is let go.
 */
async function untilCommitsStall(): Promise<void> {
  const probe = await openSession({ endpoint: pair.context.pair.blue, applicationName: 'probe' });
  let committed = true;
  const send = async (): Promise<void> => {
    committed = false;
    await probe.query(`update public.accounts set note = 'n' where id = 3`).catch(() => undefined);
    committed = true;
  };
  await waitUntil(
    async () => {
      if (committed) void send();
      const { rows } = await pair.blue.query(
        `select pg_cancel_backend(pid) from pg_stat_activity
         where application_name = 'probe' and wait_event = 'SyncRep'`,
      );
      return rows.length > 0 ? true : undefined;
    },
    { timeoutMs: 20_000, intervalMs: 10, onTimeout: () => new Error('commits do not wait') },
  );
  await probe.end();
}

function waitForNote(note: string) {
  return waitUntil(
    async () => {
      const answer = await pair.green.query(
        `select 1 from public.accounts where id = 1 and note = $1`,
        [note],
      );
      return answer.rows.length > 0 ? answer : undefined;
    },
    { timeoutMs: 5_000, intervalMs: 5, onTimeout: () => new Error('not applied') },
  );
}

test('TRUNCATE under checks is never reported as a difference', async () => {
  const stop = new AbortController();
  const session = await openSession({ endpoint: pair.context.pair.blue, applicationName: 'trunc' });
  const writer = (async () => {
    while (!stop.signal.aborted) {
      await session.query(
        `insert into public.staged select n, 'v' from generate_series(1, 100) as n
         on conflict do nothing`,
      );
      await session.query(`truncate public.staged`);
      await pause(Math.random() * 400);
    }
  })();
  try {
    for (let run = 0; run < 8; run += 1) {
      expect(await pair.check('full')).toMatchObject({ outcome: 'equal', differences: 0 });
    }
  } finally {
    stop.abort();
    await writer;
    await session.end();
  }
  expect(await pair.check('full')).toMatchObject({ outcome: 'equal' });
});

test('an incremental check finds a dirty row that arrived wrong, and drops the base', async () => {
  await pair.green.query(`
    create function public.spoil() returns trigger language plpgsql as $$
    begin new.note := 'spoilt'; return new; end $$;
    create trigger spoil before update on public.accounts for each row execute function public.spoil();
    alter table public.accounts enable always trigger spoil`);
  await pair.blue.query(`update public.accounts set balance = 7 where id = 77`);
  const found = await pair.check('incremental');
  // A continuous round may have been faster: then the base is gone and the difference recorded.
  if (found.outcome !== 'different') expect(found.reason).toBe('no_base');
  expect(await pair.store.checks.openDifferences('shop')).toBe(1);
  expect(await pair.check('final')).toMatchObject({
    outcome: 'could_not_verify',
    reason: 'no_base',
  });
  await pair.green.query(`
    drop trigger spoil on public.accounts; drop function public.spoil();
    set session_replication_role = replica;
    update public.accounts set note = 'n' where id = 77`);
  expect(await pair.check('full')).toMatchObject({ outcome: 'equal' });
  expect(await pair.store.checks.openDifferences('shop')).toBe(0);
});

test('a final check compares what is dirty, tables without a key as a whole, in milliseconds', async () => {
  await pair.store.tracking.setDesired('shop', 'blue', true);
  await whileWriting(async () => {
    await pause(500);
  });
  await pair.blue.query(`insert into public.audit values ('last')`);
  await waitUntil(
    async () => {
      const { rows: audit } = await pair.green.query(
        `select 1 from public.audit where message = 'last'`,
      );
      return audit.length > 0 ? true : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 5, onTimeout: () => new Error('not drained') },
  );
  const drainLsn = formatLsn(pair.applier.appliedLsn);
  const final = await pair.check('final', { source: 'blue', target: 'green', drainLsn });
  expect(final).toMatchObject({ outcome: 'equal', reason: null, differences: 0 });
  expect(final.seconds! * 1_000).toBeLessThan(200);
});

test('a final check without the drained position on the target does not pass', async () => {
  const beyond = formatLsn((pair.applier.appliedLsn + 1_000_000n) as Lsn);
  const final = await pair.check('final', { source: 'blue', target: 'green', drainLsn: beyond });
  expect(final).toMatchObject({
    outcome: 'could_not_verify',
    reason: 'target_behind_drain_position',
  });
});

test('a restart continues from the base and still knows what was dirty', async () => {
  expect(await pair.check('full')).toMatchObject({ outcome: 'equal' });
  pair.applier.pause();
  await pair.blue.query(`update public.accounts set balance = -1 where id = 5`);
  await pair.stopChecker();
  await pair.startChecker();
  pair.applier.resume();
  const again = await pair.check('incremental');
  expect(again).toMatchObject({ outcome: 'equal', reason: null });
});

test('a pair that was never started cannot be verified', async () => {
  await pair.store.journal.transition('shop', {
    phase: 'aborted',
    type: 't',
    data: {},
    actor: 't',
  });
  expect(await pair.check('full')).toMatchObject({
    outcome: 'could_not_verify',
    reason: 'pair_not_started',
  });
  await waitUntil(
    async () => {
      const { rows } = await pair.blue.query(
        `select 1 from pg_replication_slots where slot_name = 'turnout_shop_check'`,
      );
      return rows.length === 0 ? true : undefined;
    },
    { timeoutMs: 5_000, intervalMs: 20, onTimeout: () => new Error('slot was left') },
  );
});
