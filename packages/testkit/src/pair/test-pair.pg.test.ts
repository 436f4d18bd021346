import { openSession } from '@turnout/postgres/session';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../cluster/client.js';
import { isAlive } from '../cluster/process-tree.js';
import { startClusters, type PairClusters } from './clusters.js';
import { INSTALLED, TestPair } from './test-pair.js';

const TABLES = 'create table public.t (id int primary key, v text)';
const EVERY_SERVICE = ['replicator', 'lag-monitor', 'checker'] as const;

let clusters: PairClusters;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => clusters[Symbol.asyncDispose]());

async function databases(): Promise<string[]> {
  const names = [clusters.blue, clusters.green].map((cluster) =>
    withClient(cluster.url(), async (client) => {
      const { rows } = await client.query<{ datname: string }>(
        `select datname from pg_database where datname like 'shop%'`,
      );
      return rows.map(({ datname }) => datname);
    }),
  );
  return (await Promise.all(names)).flat();
}

test('a pair lives with services in this process and a coordinator in its own, and leaves nothing', async () => {
  const pair = await TestPair.create({
    clusters,
    tables: TABLES,
    settings: { gates: { lag_max: '3s' } },
  });
  expect(pair.settings).toMatchObject({
    gates: { lagMaxMs: 3_000 },
    soak: { minMs: 0 },
    schema: { transfer: 'existing' },
  });
  await pair.blue.query(`insert into t select n, 'blue' from generate_series(1, 100) n`);
  await pair.run(EVERY_SERVICE);
  const coordinator = await pair.startCoordinator();
  await coordinator.makeReady();
  expect(await coordinator.switchTo('green')).toMatchObject({ outcome: 'committed', to: 'green' });
  await coordinator.untilPhase('on_green');
  await pair.green.query(`insert into t values (101, 'green')`);
  // The second layer of the fence ends the sessions of clients: a fresh one asks.
  const late = await pair.reconnect('blue');
  await late.query('set default_transaction_read_only = off');
  await expect(late.query(`insert into t values (102, 'blue')`)).rejects.toMatchObject({
    code: '25006',
    schema: 'turnout',
  });
  expect(await pair.traces('blue')).toContain('trigger on t');
  expect(await pair.dump('green', 't')).toHaveLength(101);
  const { pid } = coordinator;
  await pair[Symbol.asyncDispose]();
  expect(isAlive(pid)).toBe(false);
  expect(await databases()).toEqual([]);
});

test('a session of Turnout that stays behind is named when the pair ends', async () => {
  const pair = await TestPair.create({ clusters, tables: TABLES, installed: INSTALLED });
  const left = await openSession({
    endpoint: pair.endpoint('green'),
    applicationName: 'turnout/3/fence/shop',
  });
  await expect(pair[Symbol.asyncDispose]()).rejects.toThrow(
    /database of green: still there: session turnout\/3\/fence\/shop/,
  );
  await left.end().catch(() => undefined);
  expect(await databases(), 'and everything is removed all the same').toEqual([]);
});

test('a coordinator dies and halts at the point it was told, and is seen there', async () => {
  await using pair = await TestPair.create({ clusters, tables: TABLES });
  const dying = await pair.launchCoordinator({ killAt: 'start' });
  await dying.untilReached('start');
  await dying.died;
  expect(dying.alive).toBe(false);
  await expect(dying.untilReached('elsewhere')).rejects.toThrow(/died before elsewhere/);

  const halting = await pair.launchCoordinator({ pauseAt: 'start' });
  await halting.untilReached('start');
  await halting.untilHalted();
  await expect(halting.ready(300)).rejects.toThrow(/no API/);
  halting.resume();
  await halting.ready();
  await halting.pause();
  halting.resume();
  expect((await halting.call('GET', '')).body).toMatchObject({ phase: 'draft' });
});

test('whoever goes by a proxy is cut off alone', async () => {
  await using pair = await TestPair.create({ clusters, tables: TABLES });
  const control = await pair.proxy('control');
  const [near, far] = await Promise.all([
    pair.startCoordinator(),
    pair.startCoordinator({ via: { control } }),
  ]);
  expect(control.connections).toBeGreaterThan(0);
  control.cut();
  const status = await far.call('GET', '').then(
    (answer) => answer.status,
    () => null,
  );
  expect(status).not.toBe(200);
  expect((await near.call('GET', '')).body).toMatchObject({ phase: 'draft' });
  control.heal();
  await far.untilPhase('draft');
});
