import { otherSide, type Side } from '@turnout/core/sides';
import { pause, waitUntil } from '@turnout/core/waiting';
import type { CoordinatorChild } from '@turnout/testkit/pair/coordinator-child';
import type { TcpProxy } from '@turnout/testkit/tcp-proxy';
import { longestGaps } from '@turnout/testkit/workload/stalls';
import { sharedMonotonicMs } from '@turnout/testkit/workload/monotonic';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LivingPair } from './living-pair.js';

/**
 * Two coordinators side by side. The one that leads is killed, halted or cut off in mid-switch; the
 * other takes over by itself, within the life of a lease and two seconds.
 */
const TAKEOVER_MS = 5_000;
/** Opening both sides again and the client's own reconnecting come on top. */
const CLIENTS_MS = 1_000;

const DEATHS = [
  { at: 'C1', decided: true },
  { at: 'fence', decided: false },
  { at: 'prepare', decided: false },
] as const;

const ZOMBIES = [
  { at: 'hold', decided: false },
  { at: 'fence', decided: false },
  { at: 'drain', decided: false },
  { at: 'verify', decided: false },
  { at: 'prepare', decided: false },
  { at: 'C1', decided: true },
] as const;

/** Behind each the store is away for five seconds, for both coordinators. */
const OUTAGES = ['arm', 'hold', 'prepare', 'C1', 'watch'] as const;

let living: LivingPair;
let leader: CoordinatorChild;
let leaderId = '';
let launched = 0;
let road: TcpProxy;
let startedMs = 0;

/** One more coordinator, which follows as long as another leads. */
async function launch(order: { killAt?: string; pauseAt?: string } = {}) {
  const instanceId = `c${(launched += 1)}`;
  const child = await living.pair.startCoordinator({
    ...order,
    instanceId,
    via: { control: road },
  });
  return { child, instanceId };
}

/** Ends who leads; who follows leads then. */
async function replaceLeader(next: { child: CoordinatorChild; instanceId: string }) {
  await leader.kill();
  leader = next.child;
  leaderId = next.instanceId;
  await living.untilLeader(leaderId);
  await leader.until('', ({ gates }) => Array.isArray(gates) && gates.length > 0);
}

async function ask(to: Side, api: CoordinatorChild): Promise<string> {
  const asked = await api.call('POST', '/switchovers', { to, reason: 'test' });
  expect(asked.status, JSON.stringify(asked.body)).toBe(202);
  return String(asked.body['id']);
}

/** Longest gap between two acknowledgements of any writer since `fromMs`. */
async function longestGapSince(fromMs: number): Promise<number> {
  const untilMs = sharedMonotonicMs();
  const files = living.writers.ledgerFiles;
  const watched = { fromMs: startedMs, untilMs };
  return Math.max(...(await longestGaps(files, { fromMs, untilMs }, watched)));
}

beforeAll(async () => {
  living = await LivingPair.create();
  road = await living.pair.proxy('control');
  ({ child: leader, instanceId: leaderId } = await launch());
  await leader.makeReady();
  living.startWorkload();
  startedMs = sharedMonotonicMs();
  await living.expectWritesGoOn();
});

afterAll(() => living?.[Symbol.asyncDispose](), 60_000);

test.each(DEATHS)(
  'D2: the leader dies at $at, and the other settles it within its time',
  async ({ at, decided }) => {
    await replaceLeader(await launch({ killAt: at }));
    const other = await launch();
    const from = await living.openSide();
    const to = otherSide(from);
    const sinceMs = sharedMonotonicMs();
    const id = await ask(to, leader);
    await leader.died;
    const diedMs = performance.now();
    const outcome = decided ? 'committed' : 'undone';
    if (decided) expect(await living.untilOpen(to, TAKEOVER_MS)).toBeLessThan(TAKEOVER_MS);
    const row = await other.child.until(`/switchovers/${id}`, ({ outcome: o }) => o !== 'running');
    expect(row['outcome']).toBe(outcome);
    // What follows the decision (a canary by the links) is no part of taking over.
    if (!decided) expect(performance.now() - diedMs).toBeLessThan(TAKEOVER_MS);
    expect(await living.openSide()).toBe(decided ? to : from);
    if (decided) await living.noteSwitch(to);
    await living.expectSettled();
    await living.expectWritesGoOn();
    // Undecided, the side that was left open never closed: no writer waited for the takeover.
    const limit = decided ? TAKEOVER_MS + CLIENTS_MS : CLIENTS_MS + 1_000;
    expect(await longestGapSince(sinceMs)).toBeLessThan(limit);
    ({ child: leader, instanceId: leaderId } = other);
  },
);

test.each(ZOMBIES)(
  'a leader halted at $at is overtaken, and changes nothing when it wakes',
  async ({ at, decided }) => {
    await replaceLeader(await launch({ pauseAt: at }));
    const zombie = { child: leader, instanceId: leaderId };
    const other = await launch();
    const from = await living.openSide();
    const to = otherSide(from);
    const sinceMs = sharedMonotonicMs();
    const id = await ask(to, leader);
    await zombie.child.untilReached(at);
    await zombie.child.untilHalted();
    const ended = await other.child.until(
      `/switchovers/${id}`,
      ({ outcome: o }) => o !== 'running',
    );
    expect(ended['outcome']).toBe(decided ? 'committed' : 'undone');
    if (decided) await living.noteSwitch(to);
    await living.expectSettled();
    await living.expectWritesGoOn();
    expect(await longestGapSince(sinceMs)).toBeLessThan(TAKEOVER_MS + CLIENTS_MS);

    const before = await everything(id);
    zombie.child.resume();
    // It goes on where it stood, finds out, and follows: what the sides say it learns anew.
    await zombie.child.until('', ({ sides }) => fresh(sides as Views));
    await living.untilLeader(other.instanceId);
    await zombie.child.until('', (status) => status['phase'] === before.phase);
    await followed(zombie.child);
    expect(await everything(id)).toEqual(before);
    expect(zombie.child.alive).toBe(true);
    await living.expectSettled();
    leader = other.child;
    leaderId = other.instanceId;
    await zombie.child.kill();
  },
);

type Views = Record<Side, { age_ms: number | null; writable: boolean | null }>;
const fresh = (sides: Views): boolean =>
  [sides.blue, sides.green].every(({ age_ms, writable }) => writable !== null && age_ms! < 1_500);

/** Two more looks at both sides have passed in that process: what it had begun it has ended. */
async function followed(child: CoordinatorChild): Promise<void> {
  for (let looks = 0; looks < 2; looks += 1) {
    let lastAge = -1;
    await child.until('', ({ sides }) => {
      const age = (sides as Views).blue.age_ms ?? -1;
      const newer = lastAge >= 0 && age < lastAge;
      lastAge = age;
      return newer;
    });
  }
}

/** What a zombie could change: both rows, the switch as it was recorded, and the journal. */
async function everything(id: string) {
  const row = await living.pair.store.switchovers.get(id);
  const journal = await living.journal();
  const pair = await living.pair.store.pairs.get(living.pair.name);
  return {
    sides: await living.rows(),
    row,
    phase: pair?.phase,
    journal: journal.filter(({ type }) => type !== 'second_layer').length,
  };
}

test.each(OUTAGES)(
  'D2: the store is away for five seconds behind $0, and the switch comes to its end by itself',
  async (at) => {
    await replaceLeader(await launch({ pauseAt: at }));
    const halted = leader;
    const other = await launch();
    const from = await living.openSide();
    const to = otherSide(from);
    const sinceMs = sharedMonotonicMs();
    const id = await ask(to, leader);
    await halted.untilReached(at);
    await halted.untilHalted();
    road.cut();
    halted.resume();
    await pause(5_000);
    road.heal();
    const ended = await halted.until(`/switchovers/${id}`, ({ outcome: o }) => o !== 'running');
    expect(ended, JSON.stringify(ended)).toMatchObject({ outcome: 'committed' });
    await living.noteSwitch(to);
    await living.expectSettled();
    await living.expectWritesGoOn();
    expect(await longestGapSince(sinceMs)).toBeLessThan(CLIENTS_MS + 1_000);
    await waitUntil(async () => ((await living.leader()) === null ? undefined : true), {
      timeoutMs: TAKEOVER_MS,
      intervalMs: 20,
      onTimeout: () => new Error('nobody leads'),
    });
    // Whoever leads now: the other one goes, so that one leads from here on.
    const leads = await living.leader();
    const survivor = leads === other.instanceId ? other : { child: halted, instanceId: leaderId };
    await (survivor === other ? halted : other.child).kill();
    leader = survivor.child;
    leaderId = survivor.instanceId;
  },
);

test('after all of it nothing is lost, nothing is double, and both sides are equal', async () => {
  await living.expectNothingLost(leader);
});
