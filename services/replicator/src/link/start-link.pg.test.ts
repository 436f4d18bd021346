import { parseLsn } from '@turnout/core/lsn';
import { sessionName } from '@turnout/core/object-names';
import { waitUntil } from '@turnout/core/waiting';
import { openSession } from '@turnout/postgres/session';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Pair, startClusters, stopClusters, type Clusters } from '../../test/pair-fixture.js';

const DDL = /* sql */ `
  create table public.item (id int primary key, code text unique, v text);
  create table public.other (id int primary key);
`;

let clusters: Clusters;
let pair: Pair;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));
beforeEach(async () => {
  pair = await Pair.create(clusters, DDL);
  await pair.install('forward', true);
});
afterEach(() => pair[Symbol.asyncDispose]());

const slot = (): string => `turnout_${pair.name}_forward`;

/** Starts the link and answers the error it ends with. */
async function ending(): Promise<unknown> {
  const link = await pair.start('forward');
  return link.outcome;
}

describe('a start proves that the slot continues where the target stands', () => {
  test('a slot that somebody advanced is refused: rows were skipped for good', async () => {
    await pair.blue.query(/* sql */ `insert into public.item values (1)`);
    await pair.blue.query(
      /* sql */ `select pg_replication_slot_advance($1, pg_current_wal_lsn())`,
      [slot()],
    );
    expect(await ending()).toMatchObject({ code: 'TRN3002', facts: { slot: slot() } });
  });

  test('a slot that is gone is not created anew', async () => {
    await pair.blue.query(/* sql */ `select pg_drop_replication_slot($1)`, [slot()]);
    expect(await ending()).toMatchObject({ code: 'TRN3003' });
  });

  test('a slot that was dropped and created again is refused', async () => {
    await pair.blue.query(/* sql */ `select pg_drop_replication_slot($1)`, [slot()]);
    await pair.blue.query(/* sql */ `select pg_create_logical_replication_slot($1, 'pgoutput')`, [
      slot(),
    ]);
    expect(await ending()).toMatchObject({ code: 'TRN3002' });
  });

  test('a restored server is not the server of the slot', async () => {
    await pair.green.query(/* sql */ `update turnout.slot set timeline = '000000FF'`);
    expect(await ending()).toMatchObject({ code: 'TRN3015' });
  });

  test('normal acknowledgements raise no alarm at the next start, and the slot follows', async () => {
    const confirmed = async (): Promise<string> => {
      const { rows } = await pair.blue.query(
        /* sql */ `select confirmed_flush_lsn as at from pg_replication_slots where slot_name = $1`,
        [slot()],
      );
      return String(rows[0]?.at);
    };
    for (let round = 1; round <= 3; round += 1) {
      const before = parseLsn(await confirmed());
      const link = await pair.start('forward');
      await pair.blue.query(/* sql */ `insert into public.other values ($1)`, [round]);
      await pair.roundTrip('forward');
      // The marker's group was durable, so the slot may move at once.
      await waitUntil(async () => (parseLsn(await confirmed()) > before ? true : undefined), {
        timeoutMs: 5_000,
        intervalMs: 5,
        onTimeout: () => new Error('the slot stays where it was'),
      });
      await link.stop();
    }
    expect((await pair.dump('green', 'public.other')).length).toBe(3);
  });

  test('a second worker takes the link over and the first one ends as superseded', async () => {
    const first = await pair.start('forward');
    await pair.start('forward');
    await pair.blue.query(/* sql */ `insert into public.other values (1)`);
    await pair.roundTrip('forward');
    expect(await first.outcome).toMatchObject({ code: 'TRN3001' });
    expect((await pair.dump('green', 'public.other')).length).toBe(1);
  });

  test('a predecessor whose host is gone does not hold the link up, and nobody else is ended', async () => {
    const endpoint = { url: pair.url('green') };
    const named = (role: string) =>
      openSession({ endpoint, applicationName: sessionName(0n, role, pair.name) });
    // Its server process lives on, in a transaction, until TCP gives up.
    const dead = await named('link-forward-apply');
    const other = await named('link-reverse-apply');
    await dead.query(/* sql */ `begin`);
    await dead.query(
      /* sql */ `update turnout.progress set touched = 1 where link = 'forward' and worker = 'apply'`,
    );
    await pair.start('forward');
    await pair.roundTrip('forward');
    await expect(dead.query(/* sql */ `commit`)).rejects.toThrow();
    expect((await other.query(/* sql */ `select 1`)).rowCount).toBe(1);
    await other.end();
  }, 20_000);
});

describe('what does not fit stops the link and is named, never hidden', () => {
  test('a missing row', async () => {
    await pair.blue.query(/* sql */ `insert into public.item values (1, 'a', 'x')`);
    const link = await pair.start('forward');
    await pair.roundTrip('forward');
    await pair.green.query(/* sql */ `delete from public.item`);
    await pair.blue.query(/* sql */ `insert into public.other values (1)`);
    await pair.blue.query(/* sql */ `update public.item set v = 'y'`);
    await pair.blue.query(/* sql */ `insert into public.other values (2)`);
    expect(await link.outcome).toMatchObject({
      code: 'TRN3006',
      facts: { table: 'public.item', sqlstate: 'TRN02' },
    });
    // What came before it in the stream is applied, what came after is not.
    expect(await pair.dump('green', 'public.other')).toEqual(['(1)']);
  });

  test('a row that is there already', async () => {
    await pair.green.query(/* sql */ `insert into public.item values (5, 'taken', '')`);
    await pair.blue.query(/* sql */ `insert into public.item values (6, 'taken', 'secret value')`);
    const link = await pair.start('forward');
    const ended = await link.outcome;
    expect(ended).toMatchObject({
      code: 'TRN3007',
      facts: { table: 'public.item', sqlstate: '23505', constraint: 'item_code_key' },
    });
    expect(String((ended as Error).message)).not.toContain('secret');
  });

  test('a column that is missing on the target', async () => {
    await pair.blue.query(/* sql */ `alter table public.other add column extra int`);
    await pair.blue.query(/* sql */ `insert into public.other values (1, 2)`);
    expect(await ending()).toMatchObject({
      code: 'TRN3008',
      facts: { table: 'public.other', column: 'extra' },
    });
  });

  test('a progress row changed by hand behind a user row', async () => {
    await pair.blue.query(
      /* sql */ `insert into turnout.progress (link, worker) values ('reverse', 'repair/1')`,
    );
    await pair.blue.query(
      `begin; insert into public.other values (1); update turnout.progress set touched = 1; commit`,
    );
    expect(await ending()).toMatchObject({ code: 'TRN3011' });
  });
});
