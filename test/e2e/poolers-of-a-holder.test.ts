import { readFile, writeFile } from 'node:fs/promises';
import { waitUntil } from '@turnout/core/waiting';
import { withClient } from '@turnout/testkit/cluster/client';
import { Holds } from '@turnout/testkit/pair/holds';
import { PairApi } from '@turnout/testkit/pair/pair-api';
import { startClusters, type PairClusters } from '@turnout/testkit/pair/clusters';
import { startPgBouncer, type PgBouncer } from '@turnout/testkit/pgbouncer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LivingPair } from './living-pair.js';

/** D11: poolers belong to who holds the claim. Whoever merely starts beside it touches none. */
const holds = new Holds();
let clusters: PairClusters;
let pooler: PgBouncer;
let living: LivingPair;
let leader: PairApi;

beforeAll(async () => {
  clusters = await startClusters({ control: {} });
  pooler = await startPgBouncer({
    databases: { shop: `host=127.0.0.1 port=${clusters.blue.port} dbname=shop` },
  });
  const route = { admin: pooler.adminUrl, file: pooler.databasesFile, database: 'shop' };
  living = await LivingPair.create({
    clusters,
    name: 'shop',
    settings: {
      gates: { lag_max: '2s' },
      copy: { workers: 2 },
      window: { max: '30s' },
      routes: [{ pgbouncer: route }],
    },
  });
  const { pair } = living;
  await pair.run(['coordinator'], { instanceId: 'leader', failpoint: holds.failpoint });
  leader = new PairApi(pair.config.api.port, pair.name);
  await leader.ready();
  await living.untilLeader('leader');
  await leader.makeReady();
  living.startWorkload();
  await living.expectWritesGoOn();
});

afterAll(async () => {
  await living?.[Symbol.asyncDispose]();
  await pooler?.[Symbol.asyncDispose]();
  await clusters?.[Symbol.asyncDispose]();
}, 60_000);

/** Every order the console of the pooler was given so far, by its own log. */
async function orders(): Promise<string[]> {
  const log = await readFile(pooler.logFile, 'utf8');
  return log.split('\n').filter((line) => /(PAUSE|RESUME|RELOAD) (command|'|")/i.test(line));
}

async function paused(): Promise<boolean> {
  return withClient(pooler.adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string; paused: string | number }>(
      'show databases',
    );
    return Number(rows.find(({ name }) => name === 'shop')?.paused) === 1;
  });
}

type Views = Record<'blue' | 'green', { age_ms: number | null; writable: boolean | null }>;

test('D11: a coordinator that starts beside a live hold leaves the poolers as they are', async () => {
  await leader.until('', ({ gates }) => open(gates));
  const standing = holds.at('hold');
  const asked = await leader.call('POST', '/switchovers', { to: 'green' });
  expect(asked.status, JSON.stringify(asked.body)).toBe(202);
  await standing.reached;
  expect(await paused()).toBe(true);
  const before = await orders();
  expect(before.length).toBeGreaterThan(0);

  const newcomer = await living.pair.startCoordinator({ instanceId: 'newcomer' });
  // It has looked at both sides, and again, and it knows that a switch runs.
  for (let looks = 0; looks < 2; looks += 1) {
    let last = Number.NEGATIVE_INFINITY;
    await newcomer.until('', ({ sides, phase }) => {
      const age = (sides as Views).blue.age_ms ?? Number.POSITIVE_INFINITY;
      const newer = age < last;
      last = age;
      return newer && phase === 'switching';
    });
  }
  expect(await living.leader()).toBe('leader');
  expect(await paused()).toBe(true);
  expect(await orders()).toEqual(before);

  standing.release();
  const id = String(asked.body['id']);
  const ended = await leader.until(`/switchovers/${id}`, ({ outcome }) => outcome !== 'running');
  expect(ended, JSON.stringify(ended)).toMatchObject({ outcome: 'committed', attempts: 1 });
  await living.noteSwitch('green');
  expect(await paused()).toBe(false);
});

test('D11: a route that was moved behind our back is set right by the leader alone', async () => {
  await waitUntil(async () => ((await leads()) ? true : undefined), {
    timeoutMs: 20_000,
    intervalMs: 50,
    onTimeout: () => new Error('the route does not lead to green'),
  });
  const right = await readFile(pooler.databasesFile, 'utf8');
  await writeFile(
    pooler.databasesFile,
    right.replace(String(clusters.green.port), String(clusters.blue.port)),
  );
  await withClient(pooler.adminUrl, (client) => client.query('reload'));
  await waitUntil(async () => ((await leads()) ? true : undefined), {
    timeoutMs: 20_000,
    intervalMs: 50,
    onTimeout: () => new Error('the route was not set right'),
  });
  expect(await readFile(pooler.databasesFile, 'utf8')).toBe(right);
});

const open = (gates: unknown): boolean =>
  Array.isArray(gates) && gates.length > 0 && gates.every((gate) => gate.open === true);

async function leads(): Promise<boolean> {
  return withClient(pooler.adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string; port: string | number }>('show databases');
    return Number(rows.find(({ name }) => name === 'shop')?.port) === clusters.green.port;
  });
}

test('after it nothing is lost, nothing is double, and both sides are equal', async () => {
  await living.expectNothingLost(leader);
});
