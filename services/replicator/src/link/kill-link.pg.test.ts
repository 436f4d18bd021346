import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pause } from '@turnout/core/waiting';
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
afterAll(() => stopClusters(clusters));

function spawnLink(pair: Pair): ChildProcess {
  const place = pair.place('forward');
  const limits = { ...LIMITS, memoryBytesMax: 200_000 };
  const given = JSON.stringify({
    place: { ...place, leaseEpoch: String(place.leaseEpoch) },
    limits,
  });
  return spawn(process.execPath, [CHILD, given], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Writes multi-statement transactions until told to stop; some of them are large. */
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
  const seed = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);
  process.stderr.write(`kill seed ${seed}\n`);
  let state = seed;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
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
