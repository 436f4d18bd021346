import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deferred, pause, waitUntil } from '@turnout/core/waiting';
import type { Direction, Side } from '@turnout/core/sides';
import { openSession } from '@turnout/postgres/session';
import { startCluster } from '@turnout/testkit/cluster';
import type { LinkLimits } from './run-link.js';
import {
  LIMITS,
  Pair,
  startClusters,
  stopClusters,
  type Clusters,
} from '../../test/pair-fixture.js';
import { inState, ReplicatedPair } from '../../test/replicated-pair.js';

const DDL = /* sql */ `create table public.item (id bigserial primary key, v text);`;
const TRANSIENT = new Set(['TRN2001', 'TRN3001']);
/** What our readers may add to a fast shutdown. */
const DELAY_MS_MAX = 1_500;

let clusters: Clusters;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));

/** Fast shutdown of a side's server; the fixture makes it immediate after 15 s. */
async function stopMs(side: Side): Promise<number> {
  const startedMs = performance.now();
  await clusters[side].stop();
  return performance.now() - startedMs;
}

async function restart(pair: Pair, side: Side): Promise<void> {
  await clusters[side].start();
  await pair.reconnect(side);
}

/** Starts the link anew after everything that passes by itself, as its worker does. */
async function keepRunning(
  pair: Pair,
  link: Direction,
  limits: LinkLimits = LIMITS,
): Promise<() => Promise<unknown[]>> {
  const endings: unknown[] = [];
  let going = true;
  let current = await pair.start(link, limits);
  const following = (async () => {
    for (;;) {
      const ended = await current.outcome;
      if (!going) return;
      if (!TRANSIENT.has((ended as { code: string }).code)) endings.push(ended);
      await pause(20);
      current = await pair.start(link, limits);
      if (!going) await current.stop();
    }
  })();
  return async () => {
    going = false;
    await current.stop();
    await following;
    return endings;
  };
}

/** Inserts until its server goes; answers how many inserts were confirmed. */
async function startWriter(url: string): Promise<{ stop(): Promise<number> }> {
  const session = await openSession({ endpoint: { url }, applicationName: 'writer' });
  const first = deferred();
  let going = true;
  const writing = (async () => {
    let confirmed = 0;
    try {
      for (; going; confirmed += 1) {
        await session.query(/* sql */ `insert into public.item (v) values (repeat('x', 200))`);
        first.resolve();
      }
    } catch {
      // The server went: what was confirmed until then must survive.
    }
    await session.end().catch(() => undefined);
    return confirmed;
  })();
  await first.promise;
  return {
    stop: () => {
      going = false;
      return writing;
    },
  };
}

async function startBoth(pair: Pair): Promise<() => Promise<unknown[]>> {
  await pair.install('forward', true);
  await pair.install('reverse');
  const stops = [await keepRunning(pair, 'forward'), await keepRunning(pair, 'reverse')];
  await pair.roundTrip('forward');
  await pair.roundTrip('reverse');
  return async () => (await Promise.all(stops.map((stop) => stop()))).flat();
}

describe.each(['blue', 'green'] as const)('a fast shutdown of %s', (side) => {
  test('is not held up by idle links', async () => {
    await using pair = await Pair.create(clusters, DDL);
    const aloneMs = await stopMs(side);
    await restart(pair, side);
    const stopBoth = await startBoth(pair);
    const withLinksMs = await stopMs(side);
    await restart(pair, side);
    expect(withLinksMs).toBeLessThan(aloneMs + DELAY_MS_MAX);
    await pair.roundTrip('forward');
    await pair.roundTrip('reverse');
    expect(await stopBoth()).toEqual([]);
  });

  test('is not held up by links under load, and nothing is lost or doubled', async () => {
    await using pair = await Pair.create(clusters, DDL);
    const aloneMs = await stopMs(side);
    await restart(pair, side);
    const stopBoth = await startBoth(pair);
    const before = await Promise.all([1, 2].map(() => startWriter(pair.url('blue'))));
    await pair.roundTrip('forward');
    const withLinksMs = await stopMs(side);
    await restart(pair, side);
    expect(withLinksMs).toBeLessThan(aloneMs + DELAY_MS_MAX);
    const after = await startWriter(pair.url('blue'));
    await pair.roundTrip('forward');
    const confirmed = await Promise.all([...before, after].map((writer) => writer.stop()));
    await pair.roundTrip('forward');
    await pair.roundTrip('reverse');
    const rows = await pair.dump('blue', 'public.item');
    expect(rows.length).toBeGreaterThanOrEqual(confirmed.reduce((sum, n) => sum + n, 0));
    expect(await pair.dump('green', 'public.item')).toEqual(rows);
    expect(await stopBoth()).toEqual([]);
  });
});

test('a source stops although its link is far behind and does not read', async () => {
  await using pair = await Pair.create(clusters, DDL);
  const aloneMs = await stopMs('blue');
  await restart(pair, 'blue');
  await pair.install('forward', true);
  const stopLink = await keepRunning(pair, 'forward', { ...LIMITS, memoryBytesMax: 1 << 20 });
  await pair.roundTrip('forward');
  const blocker = await openSession({
    endpoint: { url: pair.url('green') },
    applicationName: 'blocker',
  });
  await blocker.query('begin; lock table public.item in exclusive mode');
  // More than the link holds and the sockets buffer.
  for (let transaction = 0; transaction < 300; transaction += 1) {
    await pair.blue.query(
      /* sql */ `insert into public.item (v) select repeat('x', 1000) from generate_series(1, 100)`,
    );
  }
  await waitUntil(
    async () => {
      const { rows } = await pair.green.query(
        /* sql */ `select from pg_locks where not granted and relation = 'public.item'::regclass`,
      );
      return rows.length > 0 ? true : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 10, onTimeout: () => new Error('the link does not wait') },
  );
  const withLinkMs = await stopMs('blue');
  await blocker.end();
  await restart(pair, 'blue');
  expect(withLinkMs).toBeLessThan(aloneMs + DELAY_MS_MAX);
  await pair.roundTrip('forward');
  expect(await pair.dump('green', 'public.item')).toEqual(await pair.dump('blue', 'public.item'));
  expect(await stopLink()).toEqual([]);
});

test.each(['blue', 'green'] as const)(
  'a fast shutdown of %s in the middle of a copy is not held up, and the copy is made by itself',
  async (side) => {
    await using control = await startCluster({ version: '15', name: 'repl-control' });
    const url = await control.createDatabase('control');
    await using replicated = await ReplicatedPair.create(clusters, DDL, url);
    const { pair } = replicated;
    await pair.blue.query(/* sql */ `
      insert into public.item (v) select repeat('x', 200) from generate_series(1, 300000)`);
    const aloneMs = await stopMs(side);
    await restart(pair, side);
    await replicated.withReplicator('one', async () => {
      await replicated.desire('forward', 'copying');
      const watched = await openSession({
        endpoint: { url: pair.url('green') },
        applicationName: 'observer',
      });
      await waitUntil(
        async () => {
          const { rows } = await watched.query(/* sql */ `select from pg_stat_activity
                where application_name like 'turnout/%-in/%' and query like 'copy %'`);
          return rows.length > 0 ? true : undefined;
        },
        { timeoutMs: 20_000, intervalMs: 2, onTimeout: () => new Error('no copy is seen') },
      );
      const whileCopyingMs = await stopMs(side);
      await watched.end().catch(() => undefined);
      await restart(pair, side);
      expect(whileCopyingMs).toBeLessThan(aloneMs + DELAY_MS_MAX);
      await replicated.untilObserved('forward', inState('copied'));
      await replicated.desire('forward', 'streaming');
      await replicated.untilObserved('forward', inState('streaming'));
      await pair.roundTrip('forward');
      const { rows } = await pair.green.query<{ count: string }>(
        /* sql */ `select count(*) from public.item`,
      );
      expect(rows).toEqual([{ count: '300000' }]);
    });
  },
);
