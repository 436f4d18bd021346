import type { Side } from '@turnout/core/sides';
import { pause } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ask,
  coordinate,
  elapsedUntil,
  endOf,
  journal,
  requestSwitch,
  type Living,
} from './living.js';

/**
 * The second layer of the fence (PROTOCOL 9): the retired side is read-only by default, its client
 * sessions are ended, and all of it is taken back before a rollback opens that side. Then D17 with
 * every service at work, and at last D4: nobody who was fenced ever writes again, also not when the
 * guard goes.
 */
const TABLES = /* sql */ `create table public.item (id int primary key, v text);`;

let pair: TestPair;
let living: Living;

/** A fast shutdown of each side before anything of Turnout ran on it. */
const aloneMs = { blue: 0, green: 0 };
/** What our readers may add to it. */
const DELAY_MS_MAX = 1_500;

/** How long a fast shutdown takes, and the start behind it. */
async function stopMs(side: Side): Promise<number> {
  const startedMs = performance.now();
  await pair.cluster(side).stop();
  const ms = performance.now() - startedMs;
  await pair.cluster(side).start();
  await pair.reconnect(side);
  return ms;
}

beforeAll(async () => {
  pair = await TestPair.create({
    servers: { control: {} },
    tables: TABLES,
    settings: { gates: { lag_max: '2s' } },
  });
  for (const side of ['blue', 'green'] as const) aloneMs[side] = await stopMs(side);
  await pair.run(['replicator', 'lag-monitor', 'checker']);
  living = pair.use('coordinator', await coordinate(pair));
  await living.api.makeReady();
}, 60_000);

afterAll(() => pair?.[Symbol.asyncDispose](), 60_000);

async function readOnlyByDefault(side: Side): Promise<boolean> {
  const { value } = await ask<{ value: string }>(
    pair.url(side),
    `select current_setting('default_transaction_read_only') as value`,
  );
  return value === 'on';
}

const untilReadOnly = (side: Side, wanted: boolean): Promise<number> =>
  elapsedUntil(`${side} is read-only: ${wanted}`, 10_000, async () => {
    return (await readOnlyByDefault(side)) === wanted;
  });

async function isAlive(session: Session): Promise<boolean> {
  return session.query('select 1').then(
    () => true,
    () => false,
  );
}

const untilEnded = (session: Session): Promise<number> =>
  elapsedUntil('the session is ended', 10_000, async () => !(await isAlive(session)));

/** Backends of the links and of the lag-monitor, by name and process; the checker's come and go. */
async function longLived(side: Side): Promise<string[]> {
  return withClient(pair.url(side), async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select application_name || ' ' || pid as name from pg_stat_activity
       where application_name ~ '^turnout/[0-9]+/(link-|lag-monitor)' and datname = current_database()
       order by 1`,
    );
    return rows.map(({ name }) => name);
  });
}

let nextId = 0;

function inserts(session: { query(text: string): Promise<unknown> }): Promise<string> {
  return session.query(`insert into public.item values (${(nextId += 1)})`).then(
    () => 'accepted',
    (thrown: { code?: string }) => thrown.code ?? 'lost',
  );
}

/** A write on a new session arrives on the other side: the open link streams. */
async function expectStreams(from: Side, to: Side): Promise<void> {
  const id = (nextId += 1);
  await withClient(pair.url(from), (client) =>
    client.query(`insert into public.item values (${id})`),
  );
  await elapsedUntil('the link delivers', 10_000, async () => {
    const { count } = await ask<{ count: string }>(
      pair.url(to),
      `select count(*) from public.item where id = ${id}`,
    );
    return count === '1';
  });
}

test('second layer: after a switch the retired side is read-only and old sessions are ended', async () => {
  const idle = await pair.open('blue', { name: 'app-idle' });
  expect(await inserts(idle)).toBe('accepted');
  expect(await readOnlyByDefault('blue')).toBe(false);
  const before = await longLived('blue');
  expect(before.length).toBeGreaterThan(0);
  expect(await living.api.switchTo('green')).toMatchObject({ outcome: 'committed' });
  await untilReadOnly('blue', true);
  expect(await readOnlyByDefault('green')).toBe(false);
  await untilEnded(idle);
  expect(await journal(pair, 'second_layer')).toContainEqual(
    expect.objectContaining({ side: 'blue', read_only: true }),
  );
  await expectStreams('green', 'blue');
  // They kept the very sessions that they had; the checker works on.
  expect(await longLived('blue')).toEqual(expect.arrayContaining(before));
  expect(await living.api.check()).toMatchObject({ outcome: 'equal' });
});

test('second layer: an undone rollback leaves it on', async () => {
  const stays = await pair.open('blue', { name: 'app-reader' });
  const held = living.holds.at('fence');
  const id = await requestSwitch(living.api, 'blue');
  await held.reached;
  // Reset before C2: armed already, and the session that began while it was set is gone.
  expect(await readOnlyByDefault('blue')).toBe(false);
  expect(await isAlive(stays)).toBe(false);
  held.release(new Error('undone by the test'));
  expect(await endOf(living.api, id)).toMatchObject({ outcome: 'undone' });
  await untilReadOnly('blue', true);
  expect(await readOnlyByDefault('green')).toBe(false);
  await expectStreams('green', 'blue');
});

test('second layer: a rollback opens a side on which every session may write', async () => {
  await withClient(pair.url('blue'), async (early) => {
    // It keeps what it met when it began, so it may not live on.
    expect(await inserts(early)).toBe('25006');
    expect((await early.query('show default_transaction_read_only')).rows).toEqual([
      { default_transaction_read_only: 'on' },
    ]);
    expect(await living.api.switchTo('blue')).toMatchObject({ outcome: 'committed' });
    expect(await inserts(early)).not.toBe('accepted');
    await expect(early.query('select 1')).rejects.toThrow();
  });
  await withClient(pair.url('blue'), async (client) => {
    expect(await inserts(client)).toBe('accepted');
  });
  await untilReadOnly('green', true);
  expect(await readOnlyByDefault('blue')).toBe(false);
  await expectStreams('blue', 'green');
});

/** Every link, the checker and both sides are back at work: another switch may begin. */
const untilGatesOpen = () =>
  living.api.until(
    '/gates',
    ({ gates }) => (gates as { open: boolean }[] | undefined)?.every(({ open }) => open) === true,
    20_000,
  );

describe.each(['ready', 'on_green'] as const)('D17: in phase %s', (phase) => {
  test('a fast shutdown of either side takes no longer for us, and the pair goes on', async () => {
    const { body } = await living.api.call('GET', '');
    const to = phase === 'ready' ? 'blue' : 'green';
    if (body['phase'] !== phase) {
      expect(await living.api.switchTo(to)).toMatchObject({ outcome: 'committed' });
    }
    const [open, closed] =
      phase === 'ready' ? (['blue', 'green'] as const) : (['green', 'blue'] as const);
    for (const side of ['blue', 'green'] as const) {
      expect(await stopMs(side)).toBeLessThan(aloneMs[side] + DELAY_MS_MAX);
      await expectStreams(open, closed);
    }
    await living.api.until('', (status) => status['phase'] === phase && status['waiting'] === null);
    await untilGatesOpen();
  });
});

/** A client that is refused, connects again and tries again, as an application does. */
class Stubborn implements AsyncDisposable {
  readonly answers: string[] = [];
  readonly #going = new AbortController();
  readonly #done: Promise<void>;

  constructor(url: string) {
    this.#done = this.#run(url);
  }

  async #run(url: string): Promise<void> {
    while (!this.#going.signal.aborted) {
      await withClient(url, async (client) => {
        for (let tries = 0; tries < 5; tries += 1) this.answers.push(await inserts(client));
      }).catch(() => this.answers.push('lost'));
      await pause(5);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#going.abort();
    await this.#done;
  }
}

async function itemsOn(side: Side): Promise<number> {
  const { count } = await ask<{ count: string }>(
    pair.url(side),
    'select count(*) from public.item',
  );
  return Number(count);
}

const guarded = async (side: Side): Promise<boolean> =>
  (await pair.traces(side)).some((trace) => trace.startsWith('trigger'));

test('D4: complete accepts no write of a session that was fenced, and waits for the last one', async () => {
  expect((await living.api.call('GET', '')).body['phase']).toBe('on_green');
  await untilReadOnly('blue', true);
  const before = await itemsOn('blue');
  // They overrule the default: only the guard stands between them and blue.
  const overrule = `set default_transaction_read_only = off`;
  const [idle, inTransaction, stuck] = await Promise.all(
    ['idle', 'in-transaction', 'stuck'].map((name) => pair.open('blue', { name: `app-${name}` })),
  );
  for (const session of [idle!, inTransaction!, stuck!]) {
    await session.query(overrule);
    expect(await inserts(session)).toBe('25006');
  }
  await inTransaction!.query('begin read write');
  const { rows } = await stuck!.query<{ pid: string }>('select pg_backend_pid() as pid');
  const pid = Number(rows[0]!.pid);
  await using stubborn = new Stubborn(pair.url('blue'));
  process.kill(pid, 'SIGSTOP');
  try {
    const asked = await living.api.call('POST', '/complete', {});
    expect(asked.body['detail']).toBeUndefined();
    const { phase, waiting } = await living.api.until('', (status) =>
      JSON.stringify(status['waiting']).includes('app-stuck'),
    );
    expect(phase).toBe('completing');
    expect(waiting).toMatchObject({ remedy: expect.stringContaining('turnout') as string });
    expect(JSON.stringify(waiting)).toContain(`${pid} app-stuck`);
    for (const session of [idle!, inTransaction!])
      expect(await inserts(session)).not.toBe('accepted');
    expect(await guarded('blue')).toBe(true);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  // Asked at the very moment at which it is let go.
  expect(await inserts(stuck!)).not.toBe('accepted');
  await living.api.untilPhase('completed');
  expect(await pair.traces('blue')).toEqual([]);
  const tried = stubborn.answers.length;
  await elapsedUntil('some more tries', 10_000, async () => stubborn.answers.length > tried + 20);
  expect(new Set(stubborn.answers)).not.toContain('accepted');
  expect(stubborn.answers).toContain('25006');
  expect(await itemsOn('blue')).toBe(before);
  await withClient(pair.url('green'), async (client) => {
    expect(await inserts(client)).toBe('accepted');
  });
});
