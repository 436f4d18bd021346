import { otherSide, type Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { Holds } from '@turnout/testkit/pair/holds';
import { PairApi } from '@turnout/testkit/pair/pair-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LivingPair } from './living-pair.js';

/**
 * The leader works in this process and stands at named points; a second coordinator beside it answers
 * and asks like any other. What is done to the switch while it stands, it has to notice.
 */
const STEPS = [
  'acquire',
  'gates',
  'arm',
  'hold',
  'fence',
  'drain',
  'verify',
  'prepare',
  'decide',
  'route',
  'watch',
  'report',
];

const holds = new Holds();
let living: LivingPair;
let leader: PairApi;
let other: PairApi;

beforeAll(async () => {
  living = await LivingPair.create({
    settings: {
      gates: { lag_max: '2s' },
      copy: { workers: 2 },
      // A point is held for as long as the test looks around.
      window: { max: '20s' },
    },
  });
  const { pair } = living;
  await pair.run(['coordinator'], { instanceId: 'leader', failpoint: holds.failpoint });
  leader = new PairApi(pair.config.api.port, pair.name);
  await leader.ready();
  await living.untilLeader('leader');
  other = await pair.startCoordinator({ instanceId: 'other' });
  await leader.makeReady();
  living.startWorkload();
  await living.expectWritesGoOn();
});

afterAll(() => living?.[Symbol.asyncDispose](), 60_000);

interface Asked {
  readonly id: string;
  readonly from: Side;
  readonly to: Side;
}

/** Asks for a switch away from the open side and resolves when it stands at `point`. */
async function standAt(point: string): Promise<Asked & { release(): void }> {
  const from = await living.openSide();
  const to = otherSide(from);
  const held = holds.at(point);
  await leader.until('', ({ gates }) => allOpen(gates));
  const asked = await leader.call('POST', '/switchovers', { to, reason: point });
  expect(asked.status, JSON.stringify(asked.body)).toBe(202);
  await held.reached;
  return { id: String(asked.body['id']), from, to, release: () => held.release() };
}

const allOpen = (gates: unknown): boolean =>
  Array.isArray(gates) && gates.length > 0 && gates.every((gate) => gate.open === true);

function ended(id: string): Promise<Record<string, unknown>> {
  return leader.until(`/switchovers/${id}`, ({ outcome }) => outcome !== 'running');
}

async function expectUndone({ id, from }: Asked): Promise<string> {
  const row = await ended(id);
  expect(row, JSON.stringify(row)).toMatchObject({ outcome: 'undone' });
  await living.expectSettled();
  expect(await living.openSide()).toBe(from);
  await living.expectWritesGoOn();
  return String(row['reason']);
}

/** A new switch works at once. */
async function switchAgain({ to }: Asked): Promise<void> {
  await living.switchTo(leader, to);
  await living.expectSettled();
}

async function terminate(side: Side, role: string): Promise<number> {
  const gone = await living.ask(
    side,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name ~ $1`,
    [`^turnout/[0-9]+/${role}/`],
  );
  return gone.length;
}

test.each([
  { role: 'control', of: 'from', at: 'arm' },
  { role: 'control', of: 'to', at: 'arm' },
  { role: 'control', of: 'from', at: 'prepare' },
  { role: 'control', of: 'to', at: 'prepare' },
  { role: 'fence', of: 'from', at: 'fence' },
  { role: 'prepare', of: 'to', at: 'prepare' },
] as const)(
  'D8: the $role session on $of is lost behind $at: undone with fresh sessions, and again at once',
  async ({ role, of, at }) => {
    const switching = await standAt(at);
    expect(await terminate(switching[of], role)).toBe(1);
    switching.release();
    await expectUndone(switching);
    await switchAgain(switching);
  },
);

test('D8: the sessions by which the loop looks are lost in mid-switch and when it rests', async () => {
  const switching = await standAt('arm');
  for (const side of ['blue', 'green'] as const) {
    expect(await terminate(side, 'inspect')).toBeGreaterThan(0);
  }
  switching.release();
  expect(await ended(switching.id)).toMatchObject({ outcome: 'committed' });
  await living.noteSwitch(switching.to);
  for (const side of ['blue', 'green'] as const) await terminate(side, 'inspect');
  await switchAgain({ ...switching, to: switching.from });
});

test('D14: cancelled before the decision it answers that it was undone', async () => {
  const switching = await standAt('prepare');
  const answer = leader.call('DELETE', '/switchovers/current');
  await untilSessionsEnd(switching.from);
  switching.release();
  expect(await answer).toMatchObject({
    status: 200,
    body: { id: switching.id, outcome: 'undone' },
  });
  await expectUndone(switching);
  const events = (await living.journal()).filter(({ type }) => type === 'phase_changed');
  expect(events.at(-1)?.data).toMatchObject({ switchover: switching.id });
});

test('D14: cancelled behind the first commit it answers that it is decided, and commits', async () => {
  const switching = await standAt('C1');
  const answer = leader.call('DELETE', '/switchovers/current');
  await untilCancelIsAsked(switching.id);
  switching.release();
  expect(await answer).toMatchObject({ status: 409, body: { code: 'TRN5010' } });
  expect(await ended(switching.id)).toMatchObject({ outcome: 'committed' });
  await living.noteSwitch(switching.to);
  await living.expectSettled();
});

test('D14: readers of the gates and a switch that runs do not disturb each other', async () => {
  const switching = await standAt('gates');
  const reading = new AbortController();
  const answers: { status: number; lag: unknown }[] = [];
  const read = async (api: PairApi): Promise<void> => {
    while (!reading.signal.aborted) {
      const { status, body } = await api.call('GET', '/gates');
      const gates = body['gates'] as { id: string; observed: unknown }[] | undefined;
      answers.push({ status, lag: gates?.find(({ id }) => id === 'lag')?.observed });
    }
  };
  const readers = [leader, other, leader, other].map(read);
  await waitUntil(async () => (answers.length > 20 ? true : undefined), {
    timeoutMs: 20_000,
    intervalMs: 20,
    onTimeout: () => new Error('the gates do not answer'),
  });
  expect(answers.filter(({ status, lag }) => status !== 200 || lag == null)).toEqual([]);
  switching.release();
  expect(await ended(switching.id)).toMatchObject({ outcome: 'committed', attempts: 1 });
  reading.abort();
  await Promise.all(readers);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  await living.noteSwitch(switching.to);
});

test('D14: a guard disabled after it was armed is found at the fence', async () => {
  const switching = await standAt('arm');
  const alter = (word: string) =>
    living.ask(switching.from, `alter table app.probe ${word} trigger turnout_guard`);
  await alter('disable');
  switching.release();
  const reason = await expectUndone(switching);
  expect(reason).toContain('TRN');
  expect(reason).toMatch(/guard/i);
  expect(await failedStep(switching.id)).toContain('probe');
  await alter('enable');
  await switchAgain(switching);
});

test('D14: a subscription enabled on the source after arming is found at the fence', async () => {
  const switching = await standAt('arm');
  const run = (text: string) => living.ask(switching.from, text);
  await run(`create subscription stranger connection 'host=127.0.0.1 port=1 dbname=none'
    publication none with (connect = false)`);
  await run('alter subscription stranger enable');
  switching.release();
  await expectUndone(switching);
  expect(await failedStep(switching.id)).toContain('stranger');
  await run('alter subscription stranger disable');
  await run('alter subscription stranger set (slot_name = none)');
  await run('drop subscription stranger');
  await switchAgain(switching);
});

async function failedStep(id: string): Promise<string> {
  const row = await living.pair.store.switchovers.get(id);
  return `${row?.steps.find(({ outcome }) => outcome === 'failed')?.detail ?? 'no step failed'}`;
}

async function untilSessionsEnd(side: Side): Promise<void> {
  await waitUntil(
    async () => ((await living.coordinatorSessions(side)).length === 0 ? true : undefined),
    { timeoutMs: 10_000, intervalMs: 10, onTimeout: () => new Error('it was not cancelled') },
  );
}

async function untilCancelIsAsked(id: string): Promise<void> {
  const { switchovers } = living.pair.store;
  await waitUntil(async () => (await switchovers.get(id))?.cancelRequestedAt ?? undefined, {
    timeoutMs: 10_000,
    intervalMs: 10,
    onTimeout: () => new Error('nobody asked'),
  });
}

interface StepView {
  readonly id: string;
  readonly outcome: string;
}

interface StepTold {
  readonly type: string;
  readonly data: { readonly step: string; readonly started_at: string; readonly ms?: number };
  readonly atMs: number;
}

async function told(id: string): Promise<StepTold[]> {
  const page = { afterRevision: 0, limit: 5_000 };
  const entries = await living.pair.store.journal.read(living.pair.name, page);
  return entries
    .filter(({ type, data }) => type.startsWith('switchover.step') && data['switchover'] === id)
    .map(({ type, data, at }) => ({
      type: type.replace('switchover.step_', ''),
      data: data as unknown as StepTold['data'],
      atMs: Date.parse(at),
    }));
}

test('D16: each step is told as it begins and ends, to whoever asks any coordinator', async () => {
  const switching = await standAt('arm');
  for (const api of [leader, other]) {
    const shown = await api.until('/switchovers/last', ({ id }) => id === switching.id);
    const steps = shown['steps'] as StepView[];
    expect(steps.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
      'acquire done',
      'gates done',
      'arm running',
    ]);
  }
  const soFar = (await told(switching.id)).map(({ type, data }) => `${data.step} ${type}`);
  expect(soFar.slice(-2)).toEqual(['gates finished', 'arm started']);
  const watching = holds.at('watch');
  switching.release();
  await watching.reached;
  const shown = await other.until('/switchovers/last', ({ steps }) =>
    (steps as StepView[]).some(({ id }) => id === 'watch'),
  );
  expect((shown['steps'] as StepView[]).at(-1)).toMatchObject({ id: 'watch', outcome: 'running' });
  watching.release();
  expect(await ended(switching.id)).toMatchObject({ outcome: 'committed' });
  await living.noteSwitch(switching.to);

  const events = await told(switching.id);
  const order = STEPS.flatMap((step) => [`${step} started`, `${step} finished`]);
  // The last step writes its own end before it tells of it; it may still be on its way.
  expect(events.map(({ type, data }) => `${data.step} ${type}`).slice(0, 23)).toEqual(
    order.slice(0, 23),
  );
  const begun = events.filter(({ type }) => type === 'started');
  const times = begun.map(({ data }) => Date.parse(data.started_at));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  for (const { type, data, atMs } of events) {
    // The journal has a clock of its own, on the same host.
    const trueMs = Date.parse(data.started_at) + (type === 'finished' ? data.ms! : 0);
    expect(atMs, `${data.step} ${type}`).toBeGreaterThanOrEqual(trueMs - 50);
    const inWindow = STEPS.indexOf(data.step) >= 3 && STEPS.indexOf(data.step) <= 9;
    if (!inWindow) expect(atMs - trueMs, `${data.step} ${type}`).toBeLessThan(1_500);
  }
});

test('D16: a coordinator that does not lead cancels what another runs', async () => {
  const switching = await standAt('arm');
  const answer = other.call('DELETE', '/switchovers/current');
  await untilSessionsEnd(switching.from);
  switching.release();
  expect(await answer).toMatchObject({ status: 200, body: { outcome: 'undone' } });
  await expectUndone(switching);
  expect((await other.call('GET', `/switchovers/${switching.id}`)).body).toMatchObject({
    outcome: 'undone',
  });
});

test.each(['settled', 'cancelled'] as const)(
  'D16: a switch that nobody runs is %s',
  async (how) => {
    const { store, name } = living.pair;
    const from = await living.openSide();
    const to = otherSide(from);
    // As a process leaves it that died between two statements.
    const session = await living.pair.open('control');
    const id = `sw_zz${how}`;
    await session.query(
      `with moved as (update turnout_control.pair set phase = 'switching' where pair = '${name}')
       insert into turnout_control.switchover
         (id, pair, to_side, actor, begun_at, begun_by, attempts)
       values ('${id}', '${name}', '${to}', 'somebody', clock_timestamp(), 'gone', 1)`,
    );
    if (how === 'cancelled') {
      const answer = await other.call('DELETE', '/switchovers/current');
      // The loop may have been there first: then there is nothing left to cancel.
      expect([200, 404]).toContain(answer.status);
    }
    expect(await ended(id)).toMatchObject({ outcome: 'undone' });
    await leader.until('', ({ phase }) => phase === (from === 'blue' ? 'ready' : 'on_green'));
    await store.switchovers.running(name).then((running) => expect(running).toBeNull());
    await living.expectSettled();
    await session.query(`delete from turnout_control.switchover where id = '${id}'`);
  },
);

test('after all of it nothing is lost, nothing is double, and both sides are equal', async () => {
  await living.expectNothingLost(leader);
});
