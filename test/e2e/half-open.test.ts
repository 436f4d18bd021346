import type { Side } from '@turnout/core/sides';
import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import type { TcpProxy } from '@turnout/testkit/tcp-proxy';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
 * D7: the way to a side goes half-open: what we say arrives (or not even that), no answer comes back,
 * and nobody closes the connection. Only the coordinator's way is cut; clients reach both sides.
 */
const TABLES = /* sql */ `create table public.item (id int primary key, v text);`;
const SETTLED_MS_MAX = 10_000;

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
  await pair.run(['replicator', 'lag-monitor', 'checker']);
  living = pair.use('coordinator', await coordinate(pair, { via: ways }));
  await living.api.makeReady();
}, 60_000);

afterAll(() => pair?.[Symbol.asyncDispose](), 60_000);

let nextId = 0;

async function writes(side: Side): Promise<boolean> {
  return withClient(pair.url(side), async (client) => {
    await client.query(`set statement_timeout = '300ms'`);
    await client.query('insert into public.item values ($1)', [(nextId += 1)]);
    return true;
  });
}

const accepts = (side: Side): Promise<boolean> => writes(side).catch(() => false);

/**
 * Exactly one side takes writes, the other says that it is closed. Asked again when the second layer of
 * the fence ends the session that asks.
 */
async function expectOneOpen(open: Side): Promise<void> {
  const closed = open === 'blue' ? 'green' : 'blue';
  await elapsedUntil(`only ${open} is open`, SETTLED_MS_MAX, async () => {
    const states = [sideState(pair.url(open)), sideState(pair.url(closed))];
    const [here, there] = await Promise.all(states).catch(() => []);
    return here?.state === 'open' && there?.state === 'closed';
  });
  expect(await accepts(closed)).toBe(false);
}

const gatesOpen = (to: Side): Promise<unknown> =>
  living.api.until('/gates', (answer) => {
    const gates = answer['gates'];
    return answer['to'] === to && Array.isArray(gates) && gates.every(({ open }) => open === true);
  });

/** Sessions of the coordinator's window that are left on a side. */
async function windowSessions(side: Side): Promise<number> {
  const { count } = await ask<{ count: string }>(
    pair.url(side),
    `select count(*) from pg_stat_activity where application_name ~ '^turnout/[0-9]+/(fence|prepare)/'`,
  );
  return Number(count);
}

const CUTS = ['mute', 'stall'] as const;

describe.each(['blue', 'green'] as const)('D7: the way to %s', (side) => {
  test.each(CUTS)(
    'half-open (%s) before the decision: writes go on while it lasts',
    async (cut) => {
      await gatesOpen('green');
      const held = living.holds.at('drain');
      const id = await requestSwitch(living.api, 'green');
      await held.reached;
      ways[side][cut]();
      held.release();
      const beganMs = performance.now();
      // The dead-man's switch of the fence ends it where the coordinator cannot.
      await elapsedUntil('writes on blue', SETTLED_MS_MAX, () => writes('blue'));
      expect(performance.now() - beganMs).toBeLessThan(SETTLED_MS_MAX);
      await expectOneOpen('blue');
      ways[side].heal();
      await elapsedUntil('the outcome', SETTLED_MS_MAX, async () => {
        const { body } = await living.api.call('GET', `/switchovers/${id}`);
        return body['outcome'] === 'undone';
      });
      await elapsedUntil('no session of the window', SETTLED_MS_MAX, async () => {
        return (await windowSessions('blue')) + (await windowSessions('green')) === 0;
      });
      expect((await sideState(pair.url('blue'))).guard).toBe('pass');
    },
  );

  test.each(CUTS)('half-open (%s) behind C1: settled within 10 s of healing', async (cut) => {
    await gatesOpen('green');
    const held = living.holds.at('C1');
    const id = await requestSwitch(living.api, 'green');
    await held.reached;
    ways[side][cut]();
    held.release();
    // Long enough for the attempt to fail and for settling to meet the same silence.
    await living.api.until('', ({ waiting }) => waiting !== null, 30_000);
    ways[side].heal();
    const settledMs = await elapsedUntil('a side that takes writes', SETTLED_MS_MAX, async () => {
      return (await accepts('green')) || (await accepts('blue'));
    });
    expect(settledMs).toBeLessThan(SETTLED_MS_MAX);
    const { outcome } = await endOf(living.api, id, SETTLED_MS_MAX);
    await expectOneOpen(outcome === 'committed' ? 'green' : 'blue');
    if (outcome !== 'committed') return;
    expect(await living.api.check()).toMatchObject({ outcome: 'equal' });
    await gatesOpen('blue');
    expect(await living.api.switchTo('blue')).toMatchObject({ outcome: 'committed' });
  });
});
