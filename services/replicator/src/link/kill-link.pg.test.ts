import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { otherDirection, sourceOf, targetOf, type Direction } from '@turnout/core/sides';
import { pause, waitUntil } from '@turnout/core/waiting';
import { openSession } from '@turnout/postgres/session';
import {
  LIMITS,
  Pair,
  startClusters,
  stopClusters,
  type Clusters,
} from '../../test/pair-fixture.js';

const CHILD = fileURLToPath(new URL('../../test/link-child.mjs', import.meta.url));
const KILLS = 25;

const DDL = /* sql */ `
  create table public.ledger (writer int, seq int, v text, primary key (writer, seq));
  create table public.counter (writer int primary key, n int not null);
  create table public.bag (writer int, seq int);
  alter table public.bag replica identity full;
`;

let clusters: Clusters;

beforeAll(async () => {
  clusters = await startClusters();
});
const spawned = new Set<ChildProcess>();

afterAll(async () => {
  for (const child of spawned) child.kill('SIGKILL');
  await stopClusters(clusters);
});

function spawnLink(pair: Pair, link: Direction = 'forward'): ChildProcess {
  const spec = pair.spec(link);
  const limits = { ...LIMITS, memoryBytesMax: 200_000 };
  const given = JSON.stringify({
    spec: { ...spec, leaseEpoch: String(spec.leaseEpoch) },
    limits,
  });
  const child = spawn(process.execPath, [CHILD, given], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  spawned.add(child);
  child.once('exit', () => spawned.delete(child));
  return child;
}

/** Random numbers that can be had again: the seed is printed. */
function seeded(what: string): (below: number) => number {
  const seed = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);
  process.stderr.write(`${what} seed ${seed}\n`);
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** Writes multi-statement transactions until stopped; some of them are large. */
async function write(pair: Pair, writer: number, going: () => boolean): Promise<void> {
  const session = await openSession({
    endpoint: { url: pair.url('blue') },
    applicationName: `writer ${writer}`,
    settings: { synchronous_commit: 'off' },
  });
  await session.query(`insert into public.counter values (${writer}, 0)`);
  for (let seq = 1; going(); seq += 1) {
    const large = seq % 200 === 0;
    await session.query(`begin;
      insert into public.ledger values (${writer}, ${seq}, 'v');
      update public.counter set n = n + 1 where writer = ${writer};
      insert into public.bag values (${writer}, ${seq});
      ${seq % 3 === 0 ? `delete from public.bag where writer = ${writer} and seq = ${seq - 1};` : ''}
      ${seq % 4 === 0 ? `update public.ledger set v = 'w', seq = -seq where writer = ${writer} and seq = ${seq - 2};` : ''}
      ${large ? `insert into public.ledger select ${writer + 100}, ${seq * 10_000} + g, repeat('x', 100) from generate_series(1, 3000) g;` : ''}
      commit`);
  }
  await session.end();
}

test(`${KILLS} kills of the replicator under load lose and duplicate nothing`, async () => {
  const random = seeded('kill');
  await using pair = await Pair.create(clusters, DDL);
  await pair.install('forward', true);
  let going = true;
  const writers = [1, 2, 3].map((writer) => write(pair, writer, () => going));
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const child = spawnLink(pair);
    const exited = once(child, 'exit');
    // Chance decides the moment: that is what the test is about.
    await Promise.race([exited, pause(300 + random(600))]);
    child.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
  }
  going = false;
  await Promise.all(writers);
  const last = await pair.start('forward');
  await Promise.race([
    pair.roundTrip('forward', 60_000),
    last.outcome.then((ended) => Promise.reject(ended)),
  ]);
  for (const table of ['public.ledger', 'public.counter', 'public.bag']) {
    expect(await pair.dump('green', table)).toEqual(await pair.dump('blue', table));
  }
}, 120_000);

test('both links are killed at random around hand-overs: nothing is lost, every leak is found once', async () => {
  const random = seeded('kill both');
  await using pair = await Pair.create(
    clusters,
    /* sql */ `create table public.ledger (id int primary key); create table public.rogue (id int);
      alter table public.rogue replica identity full;`,
  );
  await pair.install('forward', true);
  await pair.install('reverse');
  const children = { forward: spawnLink(pair), reverse: spawnLink(pair, 'reverse') };
  const kill = async (link: Direction): Promise<void> => {
    const exited = once(children[link], 'exit');
    children[link].kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
    children[link] = spawnLink(pair, link);
  };
  const planted = { forward: 0, reverse: 0 };
  let open: Direction = 'forward';
  let id = 0;
  const write = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      const session = pair.session(sourceOf(open));
      await session.query(/* sql */ `insert into public.ledger values ($1)`, [(id += 1)]);
    }
  };
  for (let round = 1; round <= 10; round += 1) {
    await write(random(60));
    const closed = otherDirection(open);
    for (let leak = random(4); leak > 0; leak -= 1) {
      planted[closed] += 1;
      await pair.session(sourceOf(closed)).query(/* sql */ `insert into public.rogue values (1)`);
    }
    const killing = pause(random(300)).then(() => kill(random(2) === 0 ? 'forward' : 'reverse'));
    await write(random(20));
    await pair.roundTrip(open, 30_000);
    await pair
      .session(targetOf(open))
      .query(
        /* sql */ `update turnout.progress set open = false, switch_epoch = $2 where link = $1 and worker = 'apply'`,
        [open, round],
      );
    open = closed;
    await write(random(20));
    await killing;
    await waitUntil(
      async () => {
        const { rows } = await pair
          .session(targetOf(open))
          .query(
            /* sql */ `select 1 from turnout.progress where link = $1 and worker = 'apply' and open`,
            [open],
          );
        return rows.length > 0 ? true : undefined;
      },
      { timeoutMs: 30_000, intervalMs: 5, onTimeout: () => new Error(`${open} does not open`) },
    );
  }
  await pair.roundTrip('forward', 30_000);
  await pair.roundTrip('reverse', 30_000);
  for (const link of ['forward', 'reverse'] as const) {
    const exited = once(children[link], 'exit');
    children[link].kill('SIGKILL');
    await exited;
    const { rows } = await pair
      .session(targetOf(link))
      .query(/* sql */ `select count(*) as n from turnout.leak where link = $1`, [link]);
    expect(rows).toEqual([{ n: String(planted[link]) }]);
  }
  expect((await pair.dump('blue', 'public.ledger')).length).toBe(id);
  expect(await pair.dump('green', 'public.ledger')).toEqual(
    await pair.dump('blue', 'public.ledger'),
  );
}, 120_000);
