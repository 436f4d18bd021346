import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { deferred } from '@turnout/core/waiting';
import type { CloudEvent, LinkProgressed } from '@turnout/contracts/events';
import { startClusters, stopClusters, type Clusters, type Pair } from '../test/pair-fixture.js';
import { inState, ReplicatedPair } from '../test/replicated-pair.js';

const DDL = /* sql */ `create table public.item (id int primary key, v text);`;

let clusters: Clusters;
let replicated: ReplicatedPair;
let pair: Pair;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));
beforeEach(async () => {
  replicated = await ReplicatedPair.create(clusters, DDL);
  pair = replicated.pair;
});
afterEach(() => replicated[Symbol.asyncDispose]());

test('copy, stream, arm the reverse link, hand over and stop, all by desired states in the store', async () => {
  await pair.blue.query(
    /* sql */ `insert into public.item select g, 'v' from generate_series(1, 100) g`,
  );
  await replicated.withReplicator('one', async () => {
    await replicated.desire('forward', 'copying');
    const copied = await replicated.untilObserved('forward', inState('copied'));
    expect(copied.observed?.copy).toMatchObject({ tables: 1, tablesDone: 1, rows: 100 });
    await replicated.desire('forward', 'streaming');
    await replicated.untilObserved('forward', inState('streaming'));
    await replicated.desire('reverse', 'streaming');
    await replicated.untilObserved('reverse', inState('watching'));

    const heartbeat = deferred<CloudEvent>();
    const subscription = await replicated.bus.subscribe('links', 'test', async (event) => {
      if ((event.data as LinkProgressed).marker) heartbeat.resolve(event);
    });
    await subscription.ready;
    await pair.blue.query(
      /* sql */ `update turnout.marker set token = 'beat', written_at = clock_timestamp() where side = 'blue' and kind = 'heartbeat'`,
    );
    const event = await heartbeat.promise;
    expect(event.data).toMatchObject({ direction: 'forward', marker: { token: 'beat' } });
    await replicated.untilObserved('forward', (row) => row.observed?.markerSeen?.token === 'beat');
    await subscription.close();

    await pair.green.query(
      /* sql */ `update turnout.progress set open = false, switch_epoch = 4 where link = 'forward' and worker = 'apply'`,
    );
    await replicated.untilObserved('reverse', inState('streaming'));
    await pair.green.query(/* sql */ `insert into public.item values (1000, 'green')`);
    await pair.roundTrip('reverse');
    await pair.roundTrip('forward');
    await replicated.untilObserved('forward', inState('watching'));
    expect((await pair.dump('blue', 'public.item')).length).toBe(101);

    await replicated.desire('forward', 'stopped');
    await replicated.untilObserved('forward', inState('stopped'));
    const { rows } = await pair.blue.query(/* sql */ `select active from pg_replication_slots`);
    expect(rows).toEqual([{ active: 'f' }]);
  });
});

test('a link that failed says why, and goes on when its state is desired anew', async () => {
  await replicated.withReplicator('one', async () => {
    await replicated.desire('forward', 'streaming');
    await replicated.untilObserved('forward', inState('streaming'));
    await pair.green.query(/* sql */ `insert into public.item values (1, 'in the way')`);
    await pair.blue.query(/* sql */ `insert into public.item values (1, 'x')`);
    const failed = await replicated.untilObserved('forward', inState('failed'));
    expect(failed.observed).toMatchObject({ code: 'TRN3007', open: null });
    const entries = await replicated.store.journal.read(pair.name);
    expect(entries.map(({ type }) => type)).toContain('link.failed');
    await pair.green.query(/* sql */ `delete from public.item`);
    await replicated.desire('forward', 'streaming');
    await replicated.untilObserved('forward', inState('streaming'));
    await pair.roundTrip('forward');
    expect(await pair.dump('green', 'public.item')).toEqual(['(1,x)']);
  });
});

test('another replicator goes on where the first one stopped, and a server that restarts is met again', async () => {
  await replicated.withReplicator('one', async () => {
    await replicated.desire('forward', 'streaming');
    await replicated.untilObserved('forward', inState('streaming'));
  });
  // Nobody works on it now, and it does not look as if somebody did.
  const ended = await replicated.store.links.get(pair.name, 'forward');
  expect(ended?.observed).toMatchObject({ state: 'stopped', appliedLsn: null });
  await pair.blue.query(/* sql */ `insert into public.item values (1, 'between')`);
  await replicated.withReplicator('two', async () => {
    await pair.roundTrip('forward');
    await pair.green.query(
      /* sql */ `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'turnout/%/link-forward-apply/%'`,
    );
    await pair.blue.query(/* sql */ `insert into public.item values (2, 'after')`);
    await pair.roundTrip('forward');
  });
  expect(await pair.dump('green', 'public.item')).toEqual(['(1,between)', '(2,after)']);
});
