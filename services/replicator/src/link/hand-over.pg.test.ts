import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { sourceOf, targetOf, otherDirection, type Direction } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import {
  LIMITS,
  Pair,
  startClusters,
  stopClusters,
  type Clusters,
} from '../../test/pair-fixture.js';

const DDL = /* sql */ `
  create table public.ledger (id bigint primary key, v text);
  create table public.rogue (id bigserial primary key, v text);
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
  await pair.install('reverse');
});
afterEach(() => pair[Symbol.asyncDispose]());

/** What prepare and C2 do to the link that was open. */
async function closeLink(link: Direction, epoch: number): Promise<void> {
  await pair.session(targetOf(link)).query(
    /* sql */ `update turnout.progress set open = false, switch_epoch = $2
      where link = $1 and worker = 'apply'`,
    [link, epoch],
  );
}

async function untilOpen(link: Direction): Promise<void> {
  await waitUntil(
    async () => {
      const { rows } = await pair
        .session(targetOf(link))
        .query(
          /* sql */ `select 1 from turnout.progress where link = $1 and worker = 'apply' and open`,
          [link],
        );
      return rows.length > 0 ? true : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 2, onTimeout: () => new Error(`${link} does not open`) },
  );
}

async function leaksOf(link: Direction): Promise<{ changes: string; tables: string }[]> {
  const { rows } = await pair
    .session(targetOf(link))
    .query(
      /* sql */ `select changes, tables from turnout.leak where link = $1 order by final_lsn`,
      [link],
    );
  return rows as { changes: string; tables: string }[];
}

test('the new link opens itself at C2: what came before is a leak, what comes after is applied', async () => {
  await pair.start('forward');
  await pair.start('reverse');
  await pair.blue.query(/* sql */ `insert into public.ledger values (1, 'blue')`);
  await pair.roundTrip('forward');
  await pair.green.query(/* sql */ `insert into public.rogue (v) values ('before'), ('before')`);
  await closeLink('forward', 7);
  await pair.green.query(/* sql */ `insert into public.ledger values (2, 'green')`);
  await untilOpen('reverse');
  await pair.blue.query(/* sql */ `insert into public.rogue (v) values ('after')`);
  await pair.roundTrip('reverse');
  await pair.roundTrip('forward');
  expect(await leaksOf('reverse')).toEqual([{ changes: '2', tables: '{public.rogue}' }]);
  expect(await leaksOf('forward')).toEqual([{ changes: '1', tables: '{public.rogue}' }]);
  expect(await pair.dump('blue', 'public.ledger')).toEqual(['(1,blue)', '(2,green)']);
  expect(await pair.dump('green', 'public.ledger')).toEqual(['(1,blue)', '(2,green)']);
  expect(await pair.dump('blue', 'public.rogue')).toEqual(['(1,after)']);
});

test('switches there and back with restarts of both links lose nothing and find every leak', async () => {
  const seed = Number(process.env['TURNOUT_TEST_SEED'] ?? Date.now() % 1_000_000);
  process.stderr.write(`hand-over seed ${seed}\n`);
  let state = seed;
  const random = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const links = {
    forward: await pair.start('forward'),
    reverse: await pair.start('reverse'),
  };
  const planted = { forward: 0, reverse: 0 };
  let open: Direction = 'forward';
  let id = 0;
  const write = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      await pair
        .session(sourceOf(open))
        .query(/* sql */ `insert into public.ledger values ($1, 'v')`, [(id += 1)]);
    }
  };
  const restart = async (link: Direction): Promise<void> => {
    await links[link].stop();
    links[link] = await pair.start(link);
  };
  for (let round = 1; round <= 12; round += 1) {
    await write(random(40));
    if (random(2) === 0) await restart(random(2) === 0 ? 'forward' : 'reverse');
    const closed = otherDirection(open);
    for (let leak = random(3); leak > 0; leak -= 1) {
      planted[closed] += 1;
      await pair
        .session(sourceOf(closed))
        .query(/* sql */ `insert into public.rogue (v) values ('leak')`);
    }
    await write(random(10));
    await pair.roundTrip(open);
    const stopped = random(3) === 0;
    if (stopped) await links[closed].stop();
    await closeLink(open, round);
    open = closed;
    await write(random(10));
    if (stopped) links[open] = await pair.start(open);
    await untilOpen(open);
    if (random(3) === 0) await restart(open);
  }
  await pair.roundTrip(open);
  await pair.roundTrip(otherDirection(open));
  expect(await pair.dump('green', 'public.ledger')).toEqual(
    await pair.dump('blue', 'public.ledger'),
  );
  expect((await pair.dump('blue', 'public.ledger')).length).toBe(id);
  expect((await leaksOf('forward')).length).toBe(planted.forward);
  expect((await leaksOf('reverse')).length).toBe(planted.reverse);
});

test('a write refused because the link was closed meanwhile becomes a leak, not a row', async () => {
  const forward = await pair.start('forward');
  await pair.green.query('begin');
  await closeLink('forward', 3);
  // The group waits for the row that prepare holds, and is refused once that commits.
  await pair.blue.query(/* sql */ `insert into public.rogue (v) values ('queued')`);
  await waitUntil(
    async () => {
      const { rows } = await pair.blue.query(/* sql */ `select 1`);
      const waiting = await pair.green.query(
        /* sql */ `select 1 from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'turnout/%link-forward-apply%'`,
      );
      return rows.length > 0 && waiting.rows.length > 0 ? true : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 5, onTimeout: () => new Error('nobody waits') },
  );
  await pair.green.query('commit');
  await pair.roundTrip('forward');
  expect((await leaksOf('forward')).length).toBe(1);
  expect(await pair.dump('green', 'public.rogue')).toEqual([]);
  expect(forward.leaks).toEqual(['public.rogue']);
});

test('two idle links do not wake each other', async () => {
  await pair.start('forward');
  await pair.start('reverse');
  await pair.roundTrip('forward');
  await pair.roundTrip('reverse');
  const changes = async (): Promise<number> => {
    const { rows } = await pair.green.query(
      /* sql */ `select n_tup_upd + n_tup_ins as n from pg_stat_user_tables where relname = 'progress'`,
    );
    return Number(rows[0]?.n);
  };
  const before = await changes();
  await pair.roundTrip('forward');
  await pair.roundTrip('reverse');
  expect((await changes()) - before).toBeLessThan(10);
});

test('a transaction beyond the memory limit is applied whole, or is one leak of a closed link', async () => {
  const limits = { ...LIMITS, memoryBytesMax: 100_000 };
  await pair.start('forward', limits);
  const large = /* sql */ `insert into public.ledger select g, repeat('x', 100) from generate_series(1, 20000) g`;
  await pair.blue.query(
    `begin; ${large}; update public.ledger set v = 'y' where id % 100 = 0; commit`,
  );
  await pair.roundTrip('forward');
  expect(await pair.dump('green', 'public.ledger')).toEqual(
    await pair.dump('blue', 'public.ledger'),
  );
  await closeLink('forward', 1);
  await pair.blue.query(/* sql */ `update public.ledger set v = repeat('z', 50)`);
  await pair.roundTrip('forward');
  expect(await leaksOf('forward')).toEqual([{ changes: '20000', tables: '{public.ledger}' }]);
  const { rows } = await pair.green.query(
    /* sql */ `select count(*) as n from public.ledger where v like 'z%'`,
  );
  expect(rows).toEqual([{ n: '0' }]);
});
