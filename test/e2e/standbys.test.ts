import type { Standby } from '@turnout/testkit/standby';
import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  coordinate,
  elapsedUntil,
  endOf,
  requestSwitch,
  sideState,
  type Living,
} from './living.js';

/**
 * D6: a standby of the side that is left stalls. Before the switch it is refused; between the two
 * commits the switch goes back by itself, within the wait for standbys.
 */
const TABLES = /* sql */ `create table public.item (id int primary key, v text);`;
/** What going back may take on top of `window.standby_wait`, which is 1 s. */
const BACK_MS_MAX = 1_000 + 1_500;

let pair: TestPair;
let standby: Standby;

beforeAll(async () => {
  pair = await TestPair.create({ tables: TABLES, settings: { gates: { lag_max: '2s' } } });
  standby = await pair.startStandby('blue', { name: 'replica' });
  await pair.run(['replicator', 'lag-monitor', 'checker']);
  await using living = await coordinate(pair);
  await living.api.makeReady();
}, 60_000);

afterAll(() => pair?.[Symbol.asyncDispose](), 60_000);

/** Standbys named here are waited for by every COMMIT on blue. */
async function setSynchronous(names: string): Promise<void> {
  await withClient(pair.cluster('blue').url(), async (client) => {
    await client.query(`alter system set synchronous_standby_names = '${names}'`);
    await client.query('select pg_reload_conf()');
  });
  const wanted = names === '' ? 'async' : 'sync';
  await elapsedUntil(`the standby is ${wanted}`, 10_000, () =>
    withClient(pair.cluster('blue').url(), async (client) => {
      const { rows } = await client.query<{ sync_state: string }>(
        `select sync_state from pg_stat_replication where application_name = 'replica'`,
      );
      return rows[0]?.sync_state === wanted;
    }),
  );
}

let nextId = 1;

/** A write by a session of its own, which waits for no standby: that is the server's, not ours. */
async function writes(side: 'blue' | 'green'): Promise<boolean> {
  return withClient(pair.url(side), async (client) => {
    await client.query(`set synchronous_commit = local; set statement_timeout = '500ms'`);
    await client.query('insert into public.item values ($1)', [(nextId += 1)]);
    return true;
  });
}

async function gate(living: Living, id: string): Promise<Record<string, unknown> | undefined> {
  const { body } = await living.api.call('GET', '/gates');
  return (body['gates'] as Record<string, unknown>[]).find((each) => each['id'] === id);
}

/** Soon: a test that failed must not make the next ones wait. */
async function isReady({ api }: Living): Promise<void> {
  await api.until('', ({ phase }) => phase === 'ready', 10_000);
}

async function switchAndBack(living: Living): Promise<void> {
  expect(await living.api.switchTo('green')).toMatchObject({ outcome: 'committed' });
  expect(await living.api.switchTo('blue')).toMatchObject({ outcome: 'committed' });
}

/** Whatever a failed test left: the standby follows, asynchronously. */
afterEach(async () => {
  standby.resumeReceiver();
  await setSynchronous('');
}, 30_000);

test('D6: a standby that does not follow closes the gate, named, and the switch is refused', async () => {
  await using living = await coordinate(pair);
  await standby.stallReceiver();
  await pair.blue.query(`insert into public.item values (0)`);
  const closed = await gate(living, 'standbys');
  expect(closed).toMatchObject({ open: false });
  expect(closed?.['observed']).toContain('replica');
  const asked = await living.api.call('POST', '/switchovers', { to: 'green', reason: 'test' });
  expect(asked.body).toMatchObject({ code: 'TRN5002' });
  expect(asked.body['detail']).toContain('replica');
  expect(await writes('blue')).toBe(true);
  standby.resumeReceiver();
  await living.api.until('/gates', ({ gates }) =>
    (gates as { id: string; open: boolean }[]).some(({ id, open }) => id === 'standbys' && open),
  );
});

const BACK = [
  { policy: 'streaming', names: '' },
  { policy: 'streaming', names: 'replica' },
  { policy: 'synchronous', names: 'replica' },
  { policy: 'none', names: 'replica' },
] as const;

describe.each(BACK)(
  'D6: policy $policy, synchronous_standby_names "$names"',
  ({ policy, names }) => {
    test('C1 that the standby does not take is taken back, and a switch works afterwards', async () => {
      await setSynchronous(names);
      await using living = await coordinate(pair, { change: { standbys: policy } });
      await isReady(living);
      const prepared = living.holds.at('prepare');
      const id = await requestSwitch(living.api, 'green');
      await prepared.reached;
      await standby.stallReceiver();
      prepared.release();
      const backMs = await elapsedUntil('blue is open', 20_000, async () => {
        const { state, guard } = await sideState(pair.url('blue'));
        return state === 'open' && guard === 'pass' && (await writes('blue'));
      });
      expect(backMs).toBeLessThan(BACK_MS_MAX);
      const ended = await endOf(living.api, id, 5_000);
      expect(ended).toMatchObject({ outcome: 'undone' });
      expect(ended['reason']).toContain('TRN5029');
      expect(await sideState(pair.url('green'))).toMatchObject({ state: 'closed' });
      expect(await writes('green').catch(() => false)).toBe(false);
      standby.resumeReceiver();
      await switchAndBack(living);
    });
  },
);

const COMMITS = ['synchronous', 'none'] as const;

test.each(COMMITS)('D6: an asynchronous standby does not count for policy %s', async (policy) => {
  await using living = await coordinate(pair, { change: { standbys: policy } });
  await isReady(living);
  const prepared = living.holds.at('prepare');
  const id = await requestSwitch(living.api, 'green');
  await prepared.reached;
  await standby.stallReceiver();
  prepared.release();
  expect(await endOf(living.api, id)).toMatchObject({ outcome: 'committed' });
  expect(await writes('green')).toBe(true);
  expect(await writes('blue').catch(() => false)).toBe(false);
  standby.resumeReceiver();
  expect(await living.api.switchTo('blue')).toMatchObject({ outcome: 'committed' });
});
