import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from '@turnout/core/waiting';
import { openSession, withSession } from '@turnout/postgres/session';
import { startClusters, stopClusters, type Clusters, type Pair } from '../test/pair-fixture.js';
import { inState, ReplicatedPair } from '../test/replicated-pair.js';

const DDL = /* sql */ `create table public.item (id bigserial primary key, v text);`;
/** Longer than a lease lives. */
const AWAY_MS = 15_000;

let clusters: Clusters;
let control: Cluster;

beforeAll(async () => {
  clusters = await startClusters();
  control = await startCluster({ version: '15', name: 'repl-control' });
});
afterAll(async () => {
  await stopClusters(clusters);
  await control[Symbol.asyncDispose]();
});

/** Backends of the link on its target: another one means that the link was taken anew. */
async function applierPids(pair: Pair): Promise<string[]> {
  const { rows } = await pair.green.query<{
    pid: string;
  }>(/* sql */ `select pid from pg_stat_activity
        where datname = current_database() and application_name like 'turnout/%/link-forward-apply/%'`);
  return rows.map(({ pid }) => pid);
}

async function streaming(database: string): Promise<ReplicatedPair> {
  const url = await control.createDatabase(database);
  return ReplicatedPair.create(clusters, DDL, url);
}

test('a link streams on while the store is away, and follows what is desired afterwards', async () => {
  await using replicated = await streaming('away');
  const { pair } = replicated;
  await replicated.withReplicator('one', async (service) => {
    await replicated.desire('forward', 'streaming');
    await replicated.untilObserved('forward', inState('streaming'));
    expect(service.health()).toEqual({ ok: true, reason: null });
    const writer = await openSession({
      endpoint: { url: pair.url('blue') },
      applicationName: 'writer',
    });
    const going = { writer: true };
    const writing = (async () => {
      let count = 0;
      for (; going.writer; count += 1)
        await writer.query(/* sql */ `insert into public.item (v) values ('x')`);
      await writer.end();
      return count;
    })();
    const pids = await applierPids(pair);
    expect(pids).toHaveLength(1);

    await control.stop();
    const stoppedMs = performance.now();
    while (performance.now() - stoppedMs < AWAY_MS) {
      // What is written now is applied now, by the same session as before.
      expect(await pair.roundTrip('forward', 3_000)).toBeLessThan(3_000);
      expect(await applierPids(pair)).toEqual(pids);
    }
    expect(service.health()).toMatchObject({
      ok: false,
      reason: expect.stringContaining('TRN6001'),
    });
    // A connection that breaks meanwhile is mended without the store.
    await pair.green.query(/* sql */ `select pg_terminate_backend($1)`, [pids[0]]);
    await pair.roundTrip('forward', 5_000);
    const mended = await applierPids(pair);
    expect(mended).not.toEqual(pids);
    await control.start();

    going.writer = false;
    const written = await writing;
    await pair.roundTrip('forward');
    expect(await applierPids(pair)).toEqual(mended);
    expect((await pair.dump('green', 'public.item')).length).toBe(written);
    // The store's pool may need a moment to find its server again.
    await waitUntil(
      () =>
        replicated.desire('forward', 'stopped').then(
          () => true as const,
          () => undefined,
        ),
      { timeoutMs: 10_000, intervalMs: 50, onTimeout: () => new Error('the store is not back') },
    );
    await replicated.untilObserved('forward', inState('stopped'));
    expect(await applierPids(pair)).toEqual([]);
    await replicated.desire('forward', 'streaming');
    await replicated.untilObserved('forward', inState('streaming'));
    await pair.roundTrip('forward');
    await waitUntil(async () => (service.health().ok ? true : undefined), {
      timeoutMs: 20_000,
      intervalMs: 100,
      onTimeout: () => new Error('still ill'),
    });
  });
}, 90_000);

test('a link whose lease another holder took ends, and takes it again when it is free', async () => {
  await using replicated = await streaming('taken');
  const { pair } = replicated;
  const name = `link/${pair.name}/forward`;
  await replicated.withReplicator('one', async () => {
    await replicated.desire('forward', 'streaming');
    await replicated.untilObserved('forward', inState('streaming'));
    await withSession(
      { endpoint: { url: control.url('taken') }, applicationName: 'other' },
      async (other) => {
        // As if this process had been cut off for longer than its lease lives.
        const { rows } = await other.query<{ epoch: string }>(
          /* sql */ `update turnout_control.lease
              set holder = 'other', epoch = epoch + 1, expires_at = clock_timestamp() + interval '1 hour'
            where name = $1 returning epoch`,
          [name],
        );
        await waitUntil(async () => ((await applierPids(pair)).length === 0 ? true : undefined), {
          timeoutMs: 10_000,
          intervalMs: 20,
          onTimeout: () => new Error('the link goes on'),
        });
        await replicated.store.leases.release(name, 'other', BigInt(rows[0]!.epoch));
      },
    );
    await waitUntil(async () => ((await applierPids(pair)).length === 1 ? true : undefined), {
      timeoutMs: 10_000,
      intervalMs: 20,
      onTimeout: () => new Error('the lease is not taken'),
    });
    await pair.roundTrip('forward');
  });
});
