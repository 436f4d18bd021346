import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { LSN_ZERO, lsn, parseLsn, type Lsn } from '@turnout/core/lsn';
import { waitUntil, within } from '@turnout/core/waiting';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Commit, Insert, StreamMessage } from '../pgoutput/messages.js';
import { openSession, type Endpoint, type Session } from '../session.js';
import type { ChangeStream } from './change-stream.js';
import { openStream } from './open-stream.js';

const SLOT = 'turnout_shop_forward';
const LIMIT_MS = 15_000;

/** A reader that remembers what it was handed; waiters look again at every item. */
class Reader {
  readonly messages: StreamMessage[] = [];
  walEnd: Lsn = LSN_ZERO;
  stream!: ChangeStream;
  #waiters = new Set<() => void>();

  static async start(endpoint: Endpoint, startLsn: Lsn): Promise<Reader> {
    const reader = new Reader();
    reader.stream = await openStream({
      endpoint,
      slot: SLOT,
      publication: SLOT,
      startLsn,
      applicationName: 'turnout/1/replicator/shop',
      onMessage: (message) => {
        reader.messages.push(message);
        reader.#wake();
      },
      onKeepalive: (walEnd) => {
        reader.walEnd = walEnd;
        reader.#wake();
      },
    });
    return reader;
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  until(what: string, holds: () => boolean): Promise<void> {
    const met = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#waiters.delete(look);
        resolve();
      };
      this.#waiters.add(look);
      look();
    });
    return within(met, LIMIT_MS, () => new Error(`not seen: ${what}`));
  }

  get commits(): Commit[] {
    return this.messages.filter((message) => message.kind === 'commit');
  }

  get inserts(): Insert[] {
    return this.messages.filter((message) => message.kind === 'insert');
  }

  get notes(): unknown[] {
    return this.inserts.map((insert) => insert.row[1]);
  }
}

describe.each(['13', '15'] as const)('a stream of a %s server', (version) => {
  let cluster: Cluster;
  let endpoint: Endpoint;
  let session: Session;
  const readers: Reader[] = [];

  const open = (): Promise<Session> =>
    openSession({ endpoint, applicationName: 'turnout/1/test/shop' });

  const start = async (from: Lsn): Promise<Reader> => {
    const reader = await Reader.start(endpoint, from);
    readers.push(reader);
    return reader;
  };

  const confirmed = async (): Promise<Lsn> => {
    const { rows } = await session.query<{ at: string }>(
      'select confirmed_flush_lsn as at from pg_replication_slots where slot_name = $1',
      [SLOT],
    );
    return parseLsn(rows[0]!.at);
  };

  const confirmedBecomes = (position: Lsn): Promise<true> =>
    waitUntil(async () => ((await confirmed()) === position ? true : undefined), {
      timeoutMs: LIMIT_MS,
      intervalMs: 20,
      onTimeout: () => new Error('the slot did not advance'),
    });

  const slotIsFree = (): Promise<true> =>
    waitUntil(
      async () => {
        const { rows } = await session.query<{ active: string }>(
          'select active from pg_replication_slots where slot_name = $1',
          [SLOT],
        );
        return rows[0]?.active === 'f' ? true : undefined;
      },
      {
        timeoutMs: LIMIT_MS,
        intervalMs: 20,
        onTimeout: () => new Error('the slot is still held'),
      },
    );

  beforeAll(async () => {
    cluster = await startCluster({
      version,
      settings: { wal_sender_timeout: '1s', autovacuum: 'off' },
    });
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  beforeEach(async () => {
    endpoint = { url: await cluster.createDatabase('shop') };
    session = await open();
    await session.query('create table public.notes (id int primary key, note text)');
    await session.query(`create publication ${SLOT} for table public.notes`);
    await session.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [SLOT]);
  });

  afterEach(async () => {
    for (const reader of readers.splice(0)) await reader.stream.close();
    await slotIsFree();
    await session.query('select pg_drop_replication_slot($1)', [SLOT]);
    await session.end();
    await cluster.dropDatabase('shop');
  });

  /** Two transactions whose commit records touch; other WAL may come between, so it is tried again. */
  const adjacentCommits = async (reader: Reader): Promise<[Commit, Commit]> => {
    const pair = [await open(), await open()] as const;
    try {
      for (let round = 0; round < 50; round += 1) {
        const known = reader.commits.length;
        for (const [index, writer] of pair.entries()) {
          await writer.query('begin; set local synchronous_commit = off');
          await writer.query('insert into public.notes values ($1, $2)', [
            round * 2 + index,
            `${round}-${index}`,
          ]);
        }
        await Promise.all(pair.map((writer) => writer.query('commit')));
        await reader.until('two commits', () => reader.commits.length === known + 2);
        const [first, second] = reader.commits.slice(known);
        if (first!.endLsn === second!.finalLsn) return [first!, second!];
      }
      throw new Error('no two commits were adjacent');
    } finally {
      for (const writer of pair) await writer.end();
    }
  };

  test('acknowledging one of two adjacent commits keeps the other', async () => {
    const reader = await start(await confirmed());
    const [first, second] = await adjacentCommits(reader);

    reader.stream.acknowledge(first.endLsn);
    await confirmedBecomes(first.endLsn);
    await reader.stream.close();
    await slotIsFree();

    const successor = await start(first.endLsn);
    await successor.until('the second commit', () => successor.commits.length > 0);
    expect(successor.commits[0]).toEqual(second);
    expect(successor.inserts).toHaveLength(1);
  });

  test('one byte more would lose the adjacent commit, so the library must not be trusted', async () => {
    const reader = await start(await confirmed());
    const [first] = await adjacentCommits(reader);
    await reader.stream.close();
    await slotIsFree();

    const successor = await start(lsn(first.endLsn + 1n));
    await session.query(`insert into public.notes values (1000, 'later')`);
    await successor.until('a later commit', () => successor.commits.length > 0);
    expect(successor.notes).toEqual(['later']);
  });

  test('a reader that applies nothing keeps its connection and does not move the slot', async () => {
    const before = await confirmed();
    const reader = await start(before);
    reader.stream.pauseReading();
    await session.query(
      `insert into public.notes select n, repeat('x', 1000) from generate_series(1, 5000) n`,
    );
    const senders = async (): Promise<{ pid: string; alive_ms: string } | undefined> =>
      (
        await session.query<{ pid: string; alive_ms: string }>(
          `select pid, extract(epoch from clock_timestamp() - backend_start) * 1000 as alive_ms
             from pg_stat_replication where application_name = 'turnout/1/replicator/shop'`,
        )
      ).rows[0];
    const first = await senders();
    // Three times the server's timeout, by its own clock: it ends a reader that is silent for one.
    const later = await waitUntil(
      async () => {
        const sender = await senders();
        return sender && Number(sender.alive_ms) > 3_000 ? sender : undefined;
      },
      { timeoutMs: LIMIT_MS, intervalMs: 50, onTimeout: () => new Error('the sender went away') },
    );

    expect(later.pid).toBe(first?.pid);
    expect(await confirmed()).toBe(before);
    reader.stream.resumeReading();
    await reader.until('all rows', () => reader.commits.length === 1);
    expect(reader.inserts).toHaveLength(5000);
  });

  test('an idle server reports how far it is, without being acknowledged by itself', async () => {
    const before = await confirmed();
    const reader = await start(before);
    await session.query('create table public.other (id int)');
    await session.query('insert into public.other select generate_series(1, 1000)');
    await reader.until('a keepalive beyond the other table', () => reader.walEnd > before);
    expect(await confirmed()).toBe(before);
  });

  test('a restart resumes behind the last durable commit, and a crash ends the stream by name', async () => {
    const reader = await start(await confirmed());
    for (const [index, note] of ['one', 'two', 'three'].entries()) {
      await session.query('insert into public.notes values ($1, $2)', [index, note]);
    }
    await reader.until('three commits', () => reader.commits.length === 3);
    const durable = reader.commits[1]!.endLsn;
    reader.stream.acknowledge(durable);
    await confirmedBecomes(durable);

    const ended = reader.stream.ended.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    await cluster.crash();
    await expect(ended).resolves.toMatchObject({ code: 'TRN3001' });
    await cluster.start();
    session = await open();

    const successor = await start(durable);
    await successor.until('the third commit', () => successor.commits.length === 1);
    expect(successor.notes).toEqual(['three']);
  });

  test.each(['with', 'without'] as const)(
    'a fast shutdown waits for no acknowledgement, %s a session beside the stream',
    async (beside) => {
      // The walsender counts: with a limit of one no ordinary session of the role fits beside it.
      await session.query(`create role reader login replication
        connection limit ${beside === 'with' ? 10 : 1}`);
      const from = await confirmed();
      const reader = await Reader.start({ url: cluster.url('shop', 'reader') }, from);
      readers.push(reader);
      await waitUntil(
        async () => {
          const { rows } = await session.query(
            `select from pg_stat_activity where usename = 'reader' and backend_type = 'client backend'`,
          );
          return beside === 'without' || rows.length === 1 ? true : undefined;
        },
        { timeoutMs: LIMIT_MS, intervalMs: 10, onTimeout: () => new Error('no session beside') },
      );
      await session.query(`insert into public.notes values (1, 'not acknowledged')`);
      await reader.until('the row', () => reader.inserts.length === 1);
      const ended = reader.stream.ended.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      const startedMs = performance.now();
      await cluster.stop();
      const tookMs = performance.now() - startedMs;
      await cluster.start();
      session = await open();
      expect(tookMs).toBeLessThan(1_500);
      await expect(ended).resolves.toMatchObject({ code: 'TRN3001' });
      // Nothing was acknowledged on the way out.
      expect(await confirmed()).toBe(from);
      const successor = await start(from);
      await successor.until('the row again', () => successor.inserts.length === 1);
      await session.query('drop role reader');
    },
  );

  test('settings of the role and the database do not change how values print', async () => {
    await session.query(`alter role postgres set datestyle = 'SQL, DMY'`);
    await session.query(`alter role postgres set intervalstyle = 'sql_standard'`);
    await session.query(`alter database shop set extra_float_digits = 0`);
    await session.query(`alter database shop set bytea_output = 'escape'`);
    await session.query(`alter role postgres in database shop set timezone = 'Asia/Tokyo'`);
    await session.query(`create table public.printed (id int primary key, day date, span interval,
      size float8, raw bytea, at timestamptz, class regclass)`);
    await session.query(`alter publication ${SLOT} add table public.printed`);
    try {
      const reader = await start(await confirmed());
      await session.query(`insert into public.printed values (1, '2024-02-01', '1 day 02:00:00',
        0.1::float8 + 0.2::float8, '\\x00ff', '2024-02-01 12:00:00.123456+00', 'public.printed')`);
      await reader.until('the row', () => reader.inserts.length === 1);
      expect(reader.inserts[0]!.row).toEqual([
        '1',
        '2024-02-01',
        '1 day 02:00:00',
        '0.30000000000000004',
        '\\x00ff',
        '2024-02-01 12:00:00.123456+00',
        'public.printed',
      ]);
    } finally {
      await session.query('alter role postgres reset all');
    }
  });

  test('a missing slot and an occupied one are told apart', async () => {
    const from = await confirmed();
    const missing = openStream({
      endpoint,
      slot: 'turnout_gone_forward',
      publication: SLOT,
      startLsn: from,
      applicationName: 'turnout/1/replicator/shop',
      onMessage: () => undefined,
      onKeepalive: () => undefined,
    });
    await expect(missing).rejects.toMatchObject({ code: 'TRN3003' });
    await start(from);
    await expect(Reader.start(endpoint, from)).rejects.toMatchObject({
      code: 'TRN3001',
      facts: { sqlstate: '55006' },
    });
  });

  test('a publication that is gone is named, and is no missing slot', async () => {
    const reader = await start(await confirmed());
    const ended = reader.stream.ended;
    await session.query(`drop publication ${SLOT}`);
    await session.query(`insert into public.notes values (1, 'x')`);
    await expect(ended).rejects.toMatchObject({
      code: 'TRN3001',
      facts: { sqlstate: '42704', message: `publication "${SLOT}" does not exist` },
    });
  });

  test('a handler that throws ends its stream, not the process', async () => {
    const stream = await openStream({
      endpoint,
      slot: SLOT,
      publication: SLOT,
      startLsn: await confirmed(),
      applicationName: 'turnout/1/replicator/shop',
      onMessage: () => {
        throw new Error('a defect of ours');
      },
      onKeepalive: () => undefined,
    });
    const ended = stream.ended;
    await session.query(`insert into public.notes values (1, 'x')`);
    await expect(ended).rejects.toThrow('a defect of ours');
    await stream.close();
  });

  test('closing frees the slot at once, also while reading is paused', async () => {
    const reader = await start(await confirmed());
    reader.stream.pauseReading();
    await session.query(
      `insert into public.notes select n, repeat('x', 1000) from generate_series(1, 20000) n`,
    );
    const startedMs = performance.now();
    await reader.stream.close();
    await slotIsFree();
    expect(performance.now() - startedMs).toBeLessThan(900);
    await expect(reader.stream.ended).resolves.toBeUndefined();
  });
});
