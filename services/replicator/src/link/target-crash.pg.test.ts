import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLsn } from '@turnout/core/lsn';
import { pause } from '@turnout/core/waiting';
import { openSession } from '@turnout/postgres/session';
import { Pair, startClusters, stopClusters, type Clusters } from '../../test/pair-fixture.js';

const CRASHES = 4;
const TRANSIENT = new Set(['TRN2001', 'TRN3001']);

let clusters: Clusters;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));

test('a target that loses its unflushed commits in a crash gets them again', async () => {
  await using pair = await Pair.create(
    clusters,
    /* sql */ `create table public.ledger (writer int, seq int, n int, primary key (writer, seq));`,
  );
  await pair.install('forward', true);
  const going = { writers: true, link: true };
  const writers = [1, 2].map(async (writer) => {
    const session = await openSession({
      endpoint: { url: pair.url('blue') },
      applicationName: 'w',
    });
    for (let seq = 1; going.writers; seq += 1) {
      await session.query(`begin; insert into public.ledger values (${writer}, ${seq}, 0);
        update public.ledger set n = n + 1 where writer = ${writer} and seq > ${seq - 5}; commit`);
    }
    await session.end();
  });
  const endings: unknown[] = [];
  const following = (async () => {
    while (going.link) {
      const link = await pair.start('forward');
      if (!going.link) await link.stop();
      const ended = await link.outcome;
      if (!TRANSIENT.has((ended as { code: string }).code)) endings.push(ended);
      await pause(20);
    }
  })();
  for (let crash = 1; crash <= CRASHES; crash += 1) {
    // Long enough for asynchronous groups, at no particular point of their cycle.
    await pause(700 + crash * 130);
    await clusters.green.crash();
    // Nothing that the crash took may have been acknowledged to the slot.
    const slot = await pair.blue.query<{ confirmed: string }>(
      /* sql */ `select confirmed_flush_lsn as confirmed from pg_replication_slots`,
    );
    await clusters.green.start();
    await pair.reconnect('green');
    const kept = await pair.green.query<{ durable: string }>(
      /* sql */ `select greatest(end_lsn, acked_lsn) as durable from turnout.progress p join turnout.position using (link) where worker = 'apply'`,
    );
    expect(parseLsn(slot.rows[0]!.confirmed)).toBeLessThanOrEqual(parseLsn(kept.rows[0]!.durable));
  }
  going.writers = false;
  await Promise.all(writers);
  await pair.roundTrip('forward', 30_000);
  expect(await pair.dump('green', 'public.ledger')).toEqual(
    await pair.dump('blue', 'public.ledger'),
  );
  going.link = false;
  await pair.stopAll();
  await following;
  expect(endings.filter((ended) => (ended as Error).name !== 'AbortError')).toEqual([]);
}, 90_000);
