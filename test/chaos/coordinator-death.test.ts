import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { compare } from '@turnout/testkit/workload/comparison';
import { endObservation } from '@turnout/testkit/workload/observation';
import { acceptedProbes, bothSidesWritableMs, Probers } from '@turnout/testkit/workload/prober';
import { startWriters, type Writers } from '@turnout/testkit/workload/writers';
import { waitUntil } from '@turnout/core/waiting';
import { otherSide, type Side } from '@turnout/core/sides';
import { afterAll, beforeAll, expect, test } from 'vitest';

/**
 * A coordinator is killed behind every step of a switch, while writers write. Whatever it left, the
 * next one finishes or undoes it; in between blue (or whoever was open) takes writes by itself as
 * long as nothing was decided.
 */
const KILL_POINTS = [
  { after: 'acquire', decided: false },
  { after: 'gates', decided: false },
  { after: 'arm', decided: false },
  { after: 'hold', decided: false },
  { after: 'fence', decided: false },
  { after: 'drain', decided: false },
  { after: 'verify', decided: false },
  { after: 'prepare', decided: false },
  { after: 'C1', decided: true },
  { after: 'C2', decided: true },
  { after: 'decide', decided: true },
  { after: 'route', decided: true },
  { after: 'watch', decided: true },
] as const;

let pair: TestPair;
let writers: Writers;
let probers: Probers;
const switches: { to: Side; atMs: number }[] = [];

beforeAll(async () => {
  pair = await TestPair.create({
    servers: { control: {} },
    shop: { scale: 0.02 },
    settings: { gates: { lag_max: '2s' }, copy: { workers: 2 } },
  });
  await pair.run(['replicator', 'lag-monitor', 'checker']);
  const coordinator = await pair.startCoordinator();
  await coordinator.makeReady();
  await coordinator.kill();
  const urls = pair.urls('app');
  const route = { kind: 'pool', pair: pair.name, ...urls } as const;
  writers = pair.use(
    'writers',
    startWriters({
      groups: [{ route, writers: 4 }],
      perSecond: 100,
      directory: pair.directory,
      size: pair.size,
    }),
  );
  probers = pair.use('probers', new Probers({ urls }));
}, 120_000);

afterAll(() => pair?.[Symbol.asyncDispose](), 60_000);

/** By a session of its own each time: the second layer of the fence ends those of clients. */
function ask<Row extends object>(side: Side, text: string): Promise<Row> {
  return withClient(pair.url(side), async (client) => (await client.query<Row>(text)).rows[0]!);
}

async function stateOf(side: Side): Promise<string> {
  return (await ask<{ state: string }>(side, 'select state from turnout.side')).state;
}

async function writableSide(): Promise<Side> {
  const states = { blue: await stateOf('blue'), green: await stateOf('green') };
  expect(Object.values(states).toSorted()).toEqual(['closed', 'open']);
  return states.blue === 'open' ? 'blue' : 'green';
}

/** When the side opened, by its own clock: the moment of the switch, whoever finished it. */
async function openedAtMs(side: Side): Promise<number> {
  const text = 'select extract(epoch from changed_at) * 1000 as ms from turnout.side';
  return Number((await ask<{ ms: string }>(side, text)).ms);
}

/** Writers go on by themselves: their count grows without any coordinator. */
async function expectWritesGoOn(): Promise<void> {
  const before = writers.counts().acknowledged;
  await waitUntil(async () => (writers.counts().acknowledged > before + 20 ? true : undefined), {
    timeoutMs: 10_000,
    intervalMs: 20,
    onTimeout: () => new Error('nobody can write'),
  });
}

test.each(KILL_POINTS)('killed after $after', async ({ after, decided }) => {
  const from = await writableSide();
  const to = otherSide(from);
  const dying = await pair.startCoordinator({ killAt: after });
  await dying.until('', ({ gates }) => Array.isArray(gates) && gates.length > 0);
  const accepted = await dying.call('POST', '/switchovers', { to, reason: `kill after ${after}` });
  expect(accepted.body['detail'], 'refused because').toBeUndefined();
  await dying.died;
  if (!decided) await expectWritesGoOn();

  await using successor = await pair.startCoordinator();
  const ended = await successor.until('/switchovers/last', ({ outcome }) => outcome !== 'running');
  expect(ended['outcome']).toBe(decided ? 'committed' : 'undone');
  expect(await writableSide()).toBe(decided ? to : from);
  if (decided) switches.push({ to, atMs: await openedAtMs(to) });
  await successor.until('', ({ phase }) => phase === 'ready' || phase === 'on_green');
  await expectWritesGoOn();
});

test('after all of it nothing is lost, nothing is double, and both sides are equal', async () => {
  await endObservation(writers, probers);
  await using coordinator = await pair.startCoordinator();
  expect(await coordinator.check()).toMatchObject({ outcome: 'equal' });
  const urls = pair.urls();
  const comparison = await withClient(urls[await writableSide()], (client) =>
    compare(writers.ledgerFiles, client),
  );
  expect(comparison).toMatchObject({ lost: 0, duplicated: 0, unexplained: 0 });
  expect(comparison.acknowledged).toBeGreaterThan(500);
  expect(bothSidesWritableMs(await acceptedProbes(urls), switches)).toBe(0);
});
