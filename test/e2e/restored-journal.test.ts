import { otherSide, SIDES, type Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { PairApi } from '@turnout/testkit/pair/pair-api';
import type { RunningServices } from '@turnout/testkit/pair/services';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LivingPair } from './living-pair.js';

/** What the control store says may be old, or was moved any number of times: the sides win. */
let living: LivingPair;
let coordinator: RunningServices;
let api: PairApi;

beforeAll(async () => {
  living = await LivingPair.create();
  const { pair } = living;
  coordinator = await pair.run(['coordinator'], { instanceId: 'leader' });
  api = new PairApi(pair.config.api.port, pair.name);
  await api.ready();
  await api.makeReady();
});

afterAll(() => living?.[Symbol.asyncDispose](), 60_000);

async function post(path: string, status = 200, body?: object): Promise<Record<string, unknown>> {
  const answer = await api.call('POST', path, body);
  expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBe(status);
  return answer.body;
}

async function control(text: string): Promise<void> {
  const session = await living.pair.open('control');
  try {
    await session.query(text);
  } finally {
    await session.end();
  }
}

const gatesOpen = (): Promise<unknown> =>
  api.until(
    '',
    ({ gates }) =>
      Array.isArray(gates) && gates.length > 0 && gates.every((gate) => gate.open === true),
  );

/** The link that carries changes does so, by its own word. */
function untilLink(state: string, direction = 'forward'): Promise<unknown> {
  return api.until('', ({ links }) =>
    (links as { direction: string; observed: string | null }[]).some(
      (link) => link.direction === direction && link.observed === state,
    ),
  );
}

async function pauseAndResume(direction: 'forward' | 'reverse'): Promise<void> {
  await post('/pause');
  await untilLink('stopped', direction);
  await post('/resume');
  await untilLink('streaming', direction);
}

test('D1: aborted and started anew, paused, resumed and retried, it switches there and back', async () => {
  await post('/abort');
  for (const side of SIDES) expect(await living.pair.traces(side)).toEqual([]);
  const { rows: tables } = await living.pair.green.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'app'`,
  );
  await living.pair.green.query(`truncate ${tables.map(({ name }) => name).join(', ')} cascade`);
  await api.makeReady();
  living.startWorkload();
  await living.expectWritesGoOn();

  for (let times = 0; times < 3; times += 1) await pauseAndResume('forward');

  // A row on green that blue does not have yet stops the link; the retry goes on where it stopped.
  const id = '00000000-0000-4000-8000-000000000001';
  const probe = `insert into app.probe (id, side, at) values ('${id}', 'blue', clock_timestamp())`;
  await living.ask('green', `set session_replication_role = replica; ${probe}`);
  await living.ask('blue', probe);
  await untilLink('failed');
  await living.ask(
    'green',
    `set session_replication_role = replica; delete from app.probe where id = '${id}'`,
  );
  await post('/link/retry');
  await untilLink('streaming');
  await pauseAndResume('forward');

  for (const to of ['green', 'blue', 'green', 'blue'] as const) {
    await gatesOpen();
    await living.switchTo(api, to);
    await living.expectSettled();
    await pauseAndResume(to === 'green' ? 'reverse' : 'forward');
  }
});

/** Keeps the store as it is now, as a dump would. */
const DUMP = /* sql */ `
  drop schema if exists dump cascade;
  create schema dump;
  do $$ declare t text; begin
    for t in select tablename from pg_tables where schemaname = 'turnout_control' loop
      execute format('create table dump.%I as table turnout_control.%I', t, t);
    end loop;
  end $$`;

/** Puts the dump back in place of what is there; leases of the living are not in a dump. */
function restored(keepLeases: boolean): string {
  const kept = keepLeases ? `and tablename <> 'lease'` : '';
  return /* sql */ `
    do $$ declare t text; begin
      set local session_replication_role = replica;
      for t in select tablename from pg_tables where schemaname = 'turnout_control' ${kept} loop
        execute format('delete from turnout_control.%I', t);
        execute format('insert into turnout_control.%I overriding system value select * from dump.%I', t, t);
      end loop;
    end $$`;
}

async function adoptions(): Promise<unknown[]> {
  return (await living.journal())
    .filter(({ type, data }) => type === 'phase_changed' && 'adopted' in data)
    .map(({ data }) => data['adopted']);
}

const untilPhase = (...phases: string[]): Promise<unknown> => api.untilPhase(...phases);

async function guards(side: Side): Promise<number> {
  const [row] = await living.ask<{ n: number }>(
    side,
    `select count(*)::int as n from pg_trigger where tgname = 'turnout_guard' and tgenabled = 'O'`,
  );
  return row!.n;
}

/** Of the links: the checker makes and drops its own as rounds come and go. */
async function slots(side: Side): Promise<string[]> {
  const rows = await living.ask<{ slot_name: string }>(
    side,
    `select slot_name from pg_replication_slots
     where database = current_database() and slot_name !~ '_check$' order by 1`,
  );
  return rows.map(({ slot_name: name }) => name);
}

const objects = async (): Promise<unknown> => ({
  guards: [await guards('blue'), await guards('green')],
  slots: [await slots('blue'), await slots('green')],
});

test.each([
  { how: 'under the living coordinator', keepLeases: true },
  { how: 'with its leases', keepLeases: false },
])(
  'D20: the store is restored to ready, $how, while green is open: the sides are adopted',
  async ({ keepLeases }) => {
    await gatesOpen();
    await control(DUMP);
    await living.switchTo(api, 'green');
    await living.expectSettled();
    await untilPhase('on_green');
    const before = await objects();
    await control(restored(keepLeases));
    await untilPhase('on_green');
    expect(await adoptions()).toContain('green');
    expect(await living.openSide()).toBe('green');
    expect(await objects()).toEqual(before);
    await living.expectWritesGoOn();

    for (const to of ['blue', 'green', 'blue'] as const) {
      await gatesOpen();
      await living.switchTo(api, to);
      await living.expectSettled();
    }
  },
);

test('D5: with a restored journal abort obeys the sides, while nobody leads', async () => {
  await gatesOpen();
  await control(DUMP);
  await living.switchTo(api, 'green');
  await living.expectSettled();
  const before = await objects();
  await withoutLeader(async (alone) => {
    await control(restored(true));
    expect((await alone.call('GET', '')).body).toMatchObject({ phase: 'ready' });
    expect(await alone.call('POST', '/abort')).toMatchObject({
      status: 412,
      body: { code: 'TRN5005' },
    });
    expect(await objects()).toEqual(before);
  });
  await untilPhase('on_green');
  expect(await objects()).toEqual(before);
  await gatesOpen();
});

test('D5: with a restored journal complete obeys the sides, while nobody leads', async () => {
  await control(DUMP);
  await living.switchTo(api, 'blue');
  await living.expectSettled();
  const before = await objects();
  await withoutLeader(async (alone) => {
    await control(restored(true));
    expect((await alone.call('GET', '')).body).toMatchObject({ phase: 'on_green' });
    expect(await alone.call('POST', '/complete')).toMatchObject({
      status: 412,
      body: { code: 'TRN5005' },
    });
    expect(await objects()).toEqual(before);
  });
  await untilPhase('verifying', 'ready');
  expect(await adoptions()).toContain('blue');
  expect(await objects()).toEqual(before);
  expect(await api.check()).toMatchObject({ outcome: 'equal' });
  await untilPhase('ready');
  for (const to of ['green', 'blue'] as const) {
    await gatesOpen();
    await living.switchTo(api, to);
  }
});

/** An API that answers while the lease is another's who does nothing: only what it refuses counts. */
async function withoutLeader(work: (alone: PairApi) => Promise<void>): Promise<void> {
  await coordinator.stop();
  const { name } = living.pair;
  const hour = `clock_timestamp() + interval '1 hour'`;
  await control(
    `update turnout_control.lease set holder = 'nobody', epoch = epoch + 1, expires_at = ${hour}
     where name = 'pair/${name}'`,
  );
  coordinator = await living.pair.run(['coordinator'], { instanceId: 'leader' });
  await api.ready();
  await api.until('', ({ sides }) =>
    SIDES.every((side) => (sides as Record<Side, { writable: unknown }>)[side].writable !== null),
  );
  await work(api);
  await control(
    `update turnout_control.lease set expires_at = clock_timestamp() where name = 'pair/${name}'`,
  );
  await living.untilLeader('leader');
}

test('after all of it nothing is lost, nothing is double, and both sides are equal', async () => {
  await waitUntil(async () => ((await living.openSide()) === 'blue' ? true : undefined), {
    timeoutMs: 1_000,
    intervalMs: 50,
    onTimeout: () => new Error(`${otherSide('blue')} is open`),
  });
  await living.expectNothingLost(api);
});
