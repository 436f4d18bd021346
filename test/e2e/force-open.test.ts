import type { Side } from '@turnout/core/sides';
import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import type { TcpProxy } from '@turnout/testkit/tcp-proxy';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ask,
  coordinate,
  elapsedUntil,
  endOf,
  requestSwitch,
  sideState,
  type Living,
} from './living.js';

/**
 * PROTOCOL 8.6: one side is closed, the other does not answer. Nobody may write until it does, or until
 * a person says that it is powered off or isolated. All of Turnout reaches the sides by ways that are
 * cut here; the client that writes to the isolated side does not.
 */
const TABLES = /* sql */ `create table public.item (id int primary key, v text);`;

let pair: TestPair;
let ways: Record<Side, TcpProxy>;
let living: Living;

beforeAll(async () => {
  pair = await TestPair.create({
    servers: { control: {} },
    tables: TABLES,
    settings: { gates: { lag_max: '2s' } },
  });
  ways = { blue: await pair.proxy('blue'), green: await pair.proxy('green') };
  await pair.run(['replicator', 'lag-monitor', 'checker'], { via: ways });
  living = pair.use('coordinator', await coordinate(pair, { via: ways }));
  await living.api.makeReady();
}, 60_000);

afterAll(() => pair?.[Symbol.asyncDispose](), 60_000);

const WORD = { i_have_isolated_the_other: true };

const force = (side: Side, word: object) =>
  living.api.call('POST', '/force-open', { side, ...word, reason: 'test' });

function insert(side: Side, id: number): Promise<unknown> {
  return withClient(pair.url(side), (client) =>
    client.query('insert into public.item values ($1)', [id]),
  );
}

const untilOperator = () =>
  living.api.until(
    '',
    ({ waiting }) => (waiting as { holder?: string } | null)?.holder === 'operator',
    15_000,
  );

async function expectAsksForAPerson(id: string): Promise<void> {
  const { waiting } = await untilOperator();
  expect(waiting).toMatchObject({
    for: expect.stringContaining('does not answer') as string,
    remedy: expect.stringContaining('force-open') as string,
  });
  const shown = await living.api.call('GET', `/switchovers/${id}`);
  expect(shown.body).toMatchObject({ outcome: 'needs_operator' });
}

test('force-open is refused while the other side is open, and without the word', async () => {
  const open = await force('green', WORD);
  expect(open.body).toMatchObject({ code: 'TRN5031' });
  const wordless = await force('green', {});
  expect(wordless.status).toBe(400);
  expect(await sideState(pair.url('green'))).toMatchObject({ state: 'closed' });
});

test('both closed, `to` away: it is said who is waited for, and settled when it returns', async () => {
  const held = living.holds.at('C1');
  const id = await requestSwitch(living.api, 'green');
  await held.reached;
  ways.green.cut();
  held.release();
  await expectAsksForAPerson(id);
  // Asked to settle it answers what it waits for, and goes on waiting.
  expect(await living.api.call('POST', '/switchovers/current/settle')).toMatchObject({
    status: 409,
    body: { code: 'TRN5012' },
  });
  await expectAsksForAPerson(id);
  expect(await sideState(pair.url('blue'))).toMatchObject({ state: 'closed' });
  expect((await force('green', WORD)).body).toMatchObject({ code: 'TRN5031' });
  ways.green.heal();
  const { outcome } = await endOf(living.api, id, 20_000);
  const open = outcome === 'committed' ? 'green' : 'blue';
  await insert(open, 1);
  if (open === 'green') {
    // Changes on green were not followed while it was away: the final check needs a new base.
    expect(await living.api.check()).toMatchObject({ outcome: 'equal' });
    const { outcome: back, reason } = await living.api.switchTo('blue');
    expect({ back, reason }).toEqual({ back: 'committed', reason: null });
  }
});

test('forced open with the word; the isolated side is closed on return and its writes are leaks', async () => {
  const held = living.holds.at('C2');
  const id = await requestSwitch(living.api, 'green');
  await held.reached;
  ways.green.cut();
  held.release();
  await expectAsksForAPerson(id);
  // It was opened before it was isolated, and a client still reaches it.
  await insert('green', 100);
  const wordless = await force('blue', {});
  expect(wordless.status).toBe(400);
  expect(await sideState(pair.url('blue'))).toMatchObject({ state: 'closed' });
  const forced = await force('blue', WORD);
  expect(forced.status, JSON.stringify(forced.body)).toBeLessThan(300);
  await insert('blue', 200);
  expect(await endOf(living.api, id, 15_000)).toMatchObject({ outcome: 'undone' });
  ways.green.heal();
  await elapsedUntil('green is closed', 15_000, async () => {
    return (await sideState(pair.url('green'))).state === 'closed';
  });
  expect(await sideState(pair.url('blue'))).toMatchObject({ state: 'open' });
  expect(await insert('green', 101).catch((thrown: { code: string }) => thrown.code)).toBe('25006');
  const leaks = async (): Promise<{ side: string; tables: string[] }[]> => {
    const { body } = await living.api.call('GET', '/leaks');
    return (body['leaks'] ?? []) as { side: string; tables: string[] }[];
  };
  await elapsedUntil('the leak is listed', 20_000, async () => (await leaks()).length > 0);
  expect(await leaks()).toMatchObject([{ side: 'green', tables: ['public.item'] }]);
  // It is not applied, and no switch hides it.
  const { count } = await ask<{ count: string }>(
    pair.url('blue'),
    'select count(*) from public.item where id = 100',
  );
  expect(count).toBe('0');
  const asked = await living.api.call('POST', '/switchovers', { to: 'green', reason: 'test' });
  expect(asked.body).toMatchObject({ code: 'TRN5002' });
  expect(asked.body['detail']).toContain('leaks');
});
