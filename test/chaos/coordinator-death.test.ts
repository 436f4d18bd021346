import type { Session } from '@turnout/postgres/session';
import { withClient } from '@turnout/testkit/cluster/client';
import { compare } from '@turnout/testkit/workload/comparison';
import { acceptedProbes, bothSidesWritableMs, Probers } from '@turnout/testkit/workload/prober';
import { startWriters, type Writers } from '@turnout/testkit/workload/writers';
import { waitUntil } from '@turnout/core/waiting';
import { otherSide, type Side } from '@turnout/core/sides';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CoordinatorChild } from './coordinator-child.js';
import { startLivingPair, type LivingPair } from './living-pair.js';

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

let pair: LivingPair;
let writers: Writers;
let probers: Probers;
let blue: Session;
let green: Session;
const switches: { to: Side; atMs: number }[] = [];

beforeAll(async () => {
  pair = await startLivingPair();
  blue = await pair.open('blue');
  green = await pair.open('green');
  await using coordinator = await CoordinatorChild.start(pair.config, null);
  await coordinator.call('POST', '/start');
  await coordinator.until('', ({ phase }) => phase === 'verifying');
  await check(coordinator);
  await coordinator.until('', ({ phase }) => phase === 'ready');
  const urls = { blue: pair.blue.url('shop', 'app'), green: pair.green.url('shop', 'app') };
  writers = startWriters({
    groups: [{ route: { kind: 'pool', pair: 'shop', ...urls }, writers: 4 }],
    perSecond: 100,
    directory: pair.directory,
    size: pair.size,
  });
  probers = new Probers({ urls });
}, 120_000);

afterAll(async () => {
  await blue?.end();
  await green?.end();
  await pair?.[Symbol.asyncDispose]();
}, 60_000);

async function check(coordinator: CoordinatorChild): Promise<void> {
  await coordinator.call('POST', '/checks', { kind: 'full' });
  const done = await coordinator.until('/checks/last', ({ outcome }) => outcome !== 'running');
  expect(done['outcome']).toBe('equal');
}

async function stateOf(session: Session): Promise<string | undefined> {
  const { rows } = await session.query<{ state: string }>('select state from turnout.side');
  return rows[0]?.state;
}

async function writableSide(): Promise<Side> {
  const states = { blue: await stateOf(blue), green: await stateOf(green) };
  expect(Object.values(states).toSorted()).toEqual(['closed', 'open']);
  return states.blue === 'open' ? 'blue' : 'green';
}

/** When the side opened, by its own clock: the moment of the switch, whoever finished it. */
async function openedAtMs(side: Side): Promise<number> {
  const { rows } = await (side === 'blue' ? blue : green).query<{ ms: string }>(
    'select extract(epoch from changed_at) * 1000 as ms from turnout.side',
  );
  return Number(rows[0]?.ms);
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
  const dying = await CoordinatorChild.start(pair.config, after);
  await dying.until('', ({ gates }) => Array.isArray(gates) && gates.length > 0);
  const accepted = await dying.call('POST', '/switchovers', { to, reason: `kill after ${after}` });
  expect(accepted.body['detail'], 'refused because').toBeUndefined();
  await dying.died;
  if (!decided) await expectWritesGoOn();

  await using successor = await CoordinatorChild.start(pair.config, null);
  const ended = await successor.until('/switchovers/last', ({ outcome }) => outcome !== 'running');
  expect(ended['outcome']).toBe(decided ? 'committed' : 'undone');
  expect(await writableSide()).toBe(decided ? to : from);
  if (decided) switches.push({ to, atMs: await openedAtMs(to) });
  await successor.until('', ({ phase }) => phase === 'ready' || phase === 'on_green');
  await expectWritesGoOn();
});

test('after all of it nothing is lost, nothing is double, and both sides are equal', async () => {
  await writers.stop();
  await probers.stop();
  await using coordinator = await CoordinatorChild.start(pair.config, null);
  await check(coordinator);
  const urls = { blue: pair.blue.url('shop'), green: pair.green.url('shop') };
  const comparison = await withClient(urls[await writableSide()], (client) =>
    compare(writers.ledgerFiles, client),
  );
  expect(comparison).toMatchObject({ lost: 0, duplicated: 0, unexplained: 0 });
  expect(comparison.acknowledged).toBeGreaterThan(500);
  expect(bothSidesWritableMs(await acceptedProbes(urls), switches)).toBe(0);
});
