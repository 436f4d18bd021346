import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBus } from '@turnout/bus/open-bus';
import type { Bus } from '@turnout/bus/bus';
import { systemClock } from '@turnout/core/clock';
import type { Direction } from '@turnout/core/sides';
import { deferred, waitUntil } from '@turnout/core/waiting';
import type { CloudEvent, LinkProgressed } from '@turnout/contracts/events';
import type { ServiceContext } from '@turnout/service-kit/context';
import { createLogger } from '@turnout/service-kit/logger';
import { createMetrics } from '@turnout/service-kit/metrics';
import type { LinkDesired, LinkRow } from '@turnout/store/links';
import { openStore, type Store } from '@turnout/store/store';
import { createReplicator } from './service.js';
import { Pair, startClusters, stopClusters, type Clusters } from '../test/pair-fixture.js';

const DDL = /* sql */ `create table public.item (id int primary key, v text);`;

let clusters: Clusters;
let pair: Pair;
let store: Store;
let bus: Bus;
let controls = 0;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));
beforeEach(async () => {
  pair = await Pair.create(clusters, DDL);
  const url = await clusters.green.createDatabase(`control${(controls += 1)}`);
  store = await openStore({ endpoint: { url }, applicationName: 'turnout/0/store/test' });
  await store.migrate();
  await store.pairs.ensure(pair.name);
  const logger = { warn: () => undefined };
  bus = await openBus(
    { kind: 'memory', brokers: [], topicPrefix: 'turnout' },
    { endpoint: { url }, logger },
  );
});
afterEach(async () => {
  await bus.close();
  await store.close();
  await pair[Symbol.asyncDispose]();
});

/** Runs a replicator of its own instance for the time of `work`. */
async function withReplicator<T>(instanceId: string, work: () => Promise<T>): Promise<T> {
  const settings = {
    name: pair.name,
    blue: { url: pair.url('blue') },
    green: { url: pair.url('green') },
    tables: { include: ['*.*'], exclude: [] },
    copy: { workers: 2 },
    apply: { groupRowsMax: 20_000, groupBytesMax: 8 << 20, memoryBytesMax: 64 << 20 },
  };
  const context = {
    config: { pairs: { [pair.name]: settings } },
    store,
    bus,
    logger: createLogger({ level: 'fatal', service: 'test' }),
    metrics: createMetrics(),
    clock: systemClock,
    instanceId,
  } as unknown as ServiceContext;
  const service = createReplicator(context);
  const stop = new AbortController();
  const running = service.run(stop.signal);
  try {
    return await work();
  } finally {
    await service.drain();
    stop.abort();
    await running;
  }
}

async function desire(link: Direction, desired: LinkDesired): Promise<void> {
  await store.links.setDesired(pair.name, link, desired);
}

function untilObserved(link: Direction, holds: (row: LinkRow) => boolean): Promise<LinkRow> {
  let last: LinkRow | null = null;
  return waitUntil(
    async () => {
      last = await store.links.get(pair.name, link);
      return last && holds(last) ? last : undefined;
    },
    {
      timeoutMs: 20_000,
      intervalMs: 10,
      onTimeout: () => new Error(`${link} is ${JSON.stringify(last?.observed)}`),
    },
  );
}

const inState = (state: string) => (row: LinkRow) => row.observed?.state === state;

test('copy, stream, arm the reverse link, hand over and stop, all by wishes in the store', async () => {
  await pair.blue.query(
    /* sql */ `insert into public.item select g, 'v' from generate_series(1, 100) g`,
  );
  await withReplicator('one', async () => {
    await desire('forward', 'copying');
    const copied = await untilObserved('forward', inState('copied'));
    expect(copied.observed?.copy).toMatchObject({ tables: 1, tablesDone: 1, rows: 100 });
    await desire('forward', 'streaming');
    await untilObserved('forward', inState('streaming'));
    await desire('reverse', 'streaming');
    await untilObserved('reverse', inState('watching'));

    const heartbeat = deferred<CloudEvent>();
    const news = await bus.subscribe('links', 'test', async (event) => {
      if ((event.data as LinkProgressed).marker) heartbeat.resolve(event);
    });
    await news.ready;
    await pair.blue.query(
      /* sql */ `update turnout.marker set token = 'beat', written_at = clock_timestamp() where side = 'blue' and kind = 'heartbeat'`,
    );
    const event = await heartbeat.promise;
    expect(event.data).toMatchObject({ direction: 'forward', marker: { token: 'beat' } });
    await untilObserved('forward', (row) => row.observed?.markerSeen?.token === 'beat');
    await news.close();

    await pair.green.query(
      /* sql */ `update turnout.progress set open = false, switch_epoch = 4 where link = 'forward' and worker = 'apply'`,
    );
    await untilObserved('reverse', inState('streaming'));
    await pair.green.query(/* sql */ `insert into public.item values (1000, 'green')`);
    await pair.roundTrip('reverse');
    await pair.roundTrip('forward');
    await untilObserved('forward', inState('watching'));
    expect((await pair.dump('blue', 'public.item')).length).toBe(101);

    await desire('forward', 'stopped');
    await untilObserved('forward', inState('stopped'));
    const { rows } = await pair.blue.query(/* sql */ `select active from pg_replication_slots`);
    expect(rows).toEqual([{ active: 'f' }]);
  });
});

test('a link that failed says why, and goes on when it is wished anew', async () => {
  await withReplicator('one', async () => {
    await desire('forward', 'streaming');
    await untilObserved('forward', inState('streaming'));
    await pair.green.query(/* sql */ `insert into public.item values (1, 'in the way')`);
    await pair.blue.query(/* sql */ `insert into public.item values (1, 'x')`);
    const failed = await untilObserved('forward', inState('failed'));
    expect(failed.observed).toMatchObject({ code: 'TRN3007', open: null });
    const entries = await store.journal.read(pair.name);
    expect(entries.map(({ type }) => type)).toContain('link.failed');
    await pair.green.query(/* sql */ `delete from public.item`);
    await desire('forward', 'streaming');
    await untilObserved('forward', inState('streaming'));
    await pair.roundTrip('forward');
    expect(await pair.dump('green', 'public.item')).toEqual(['(1,x)']);
  });
});

test('another replicator goes on where the first one stopped, and a server that restarts is met again', async () => {
  await withReplicator('one', async () => {
    await desire('forward', 'streaming');
    await untilObserved('forward', inState('streaming'));
  });
  await pair.blue.query(/* sql */ `insert into public.item values (1, 'between')`);
  await withReplicator('two', async () => {
    await pair.roundTrip('forward');
    await pair.green.query(
      /* sql */ `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'turnout/%/link-forward-apply/%'`,
    );
    await pair.blue.query(/* sql */ `insert into public.item values (2, 'after')`);
    await pair.roundTrip('forward');
  });
  expect(await pair.dump('green', 'public.item')).toEqual(['(1,between)', '(2,after)']);
});
