import { SIDES, type Side } from '@turnout/core/sides';
import { withClient } from '@turnout/testkit/cluster/client';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { Probers } from '@turnout/testkit/workload/prober';
import type { Standby } from '@turnout/testkit/standby';
import type { TcpProxy } from '@turnout/testkit/tcp-proxy';
import { expect, test } from 'vitest';
import { coordinate, elapsedUntil, endOf, journal, requestSwitch, type Living } from './living.js';

/**
 * A standby of a side is promoted in the middle of a switch without what the side committed last, and
 * the side's address leads to it from then on (PROTOCOL 7.4, 8.4, 8.5, 9). The old server is dead.
 */
const TABLES = /* sql */ `
  create role app login;
  create schema app;
  create table app.probe (id uuid primary key default gen_random_uuid(), side text, at timestamptz);
  grant usage on schema app to app;
  grant insert, select on app.probe to app;`;
const SETTLED_MS_MAX = 15_000;

interface Scenario extends AsyncDisposable {
  readonly pair: TestPair;
  readonly living: Living;
  readonly standby: Standby;
  readonly probers: Probers;
  /** What a side's address leads to. */
  url(side: Side): string;
  /** The side's server dies, its standby takes over its address. */
  failOver(): Promise<void>;
}

async function begin(side: Side, policy: 'streaming' | 'none'): Promise<Scenario> {
  const pair = await TestPair.create({
    servers: { control: {} },
    tables: TABLES,
    settings: { gates: { lag_max: '2s' }, standbys: policy },
  });
  try {
    const standby = await pair.startStandby(side, { name: 'replica' });
    const ways: Record<Side, TcpProxy> = {
      blue: await pair.proxy('blue'),
      green: await pair.proxy('green'),
    };
    const url = (of: Side, user = 'postgres'): string => {
      const address = new URL(pair.url(of, user));
      address.port = String(ways[of].port);
      return address.href;
    };
    await pair.run(['replicator', 'lag-monitor', 'checker'], { via: ways });
    const living = pair.use('coordinator', await coordinate(pair, { via: ways }));
    await living.api.makeReady();
    const urls = { blue: url('blue', 'app'), green: url('green', 'app') };
    const probers = pair.use('probers', new Probers({ urls }));
    const failOver = async (): Promise<void> => {
      await pair.cluster(side).crash();
      await standby.promote();
      ways[side].retarget(standby.cluster.port);
    };
    const end = (): Promise<void> => pair[Symbol.asyncDispose]();
    return { pair, living, standby, probers, url, failOver, [Symbol.asyncDispose]: end };
  } catch (thrown) {
    await pair[Symbol.asyncDispose]();
    throw thrown;
  }
}

/** States of both sides as one session of each reads them at the same moment, as far as they answer. */
async function statesOf(url: (side: Side) => string): Promise<Record<Side, string>> {
  const [blue, green] = await Promise.all(
    SIDES.map((side) =>
      withClient(url(side), async (client) => {
        const { rows } = await client.query<{ state: string }>('select state from turnout.side');
        return rows[0]!.state;
      }).catch(() => 'silent'),
    ),
  );
  return { blue: blue!, green: green! };
}

/** Both sides took writes since `from`, in an order that no single switch explains. */
async function accepted(probers: Probers, side: Side): Promise<number> {
  const before = probers.counts(side).accepted;
  await elapsedUntil(`${side} takes writes`, SETTLED_MS_MAX, async () => {
    return probers.counts(side).accepted > before + 5;
  });
  return probers.counts(side).accepted;
}

/** The other side is asked all the time, and refuses. */
async function expectOnly(scenario: Scenario, open: Side): Promise<void> {
  const { probers } = scenario;
  const closed = open === 'blue' ? 'green' : 'blue';
  const before = probers.counts(closed);
  await accepted(probers, open);
  await elapsedUntil(`${closed} refuses`, SETTLED_MS_MAX, async () => {
    return probers.counts(closed).refused > before.refused + 5;
  });
  expect(probers.counts(closed).accepted).toBe(before.accepted);
}

/** Proofs of another server count no more: a person has to check anew. */
async function expectProofsVoid({ pair, living }: Scenario, side: Side): Promise<void> {
  await elapsedUntil('identity_changed is told', SETTLED_MS_MAX, async () => {
    return (await journal(pair, 'identity_changed')).some((data) => data['side'] === side);
  });
  await living.api.until(
    '/gates',
    ({ gates }) =>
      (gates as { id: string; open: boolean }[] | undefined)?.some(
        ({ id, open }) => id === 'verified' && !open,
      ) === true,
    SETTLED_MS_MAX,
  );
}

/** The link that reads from the side stops, and says why. */
async function expectLinkStopped({ living }: Scenario, direction: string): Promise<void> {
  await living.api.until(
    '',
    ({ links }) =>
      (links as { direction: string; observed: string; code: string }[]).some(
        (link) =>
          link.direction === direction && link.observed === 'failed' && link.code === 'TRN3015',
      ),
    SETTLED_MS_MAX,
  );
}

test('D6: the standby of `from` is promoted without C1, between the commits: never two open', async () => {
  await using scenario = await begin('blue', 'streaming');
  const { living, standby, probers } = scenario;
  const [prepared, decided] = [living.holds.at('prepare'), living.holds.at('C1')];
  const id = await requestSwitch(living.api, 'green');
  await prepared.reached;
  await standby.stallReceiver();
  prepared.release();
  await decided.reached;
  await scenario.failOver();
  // Nothing closed the promoted server.
  expect(await statesOf(scenario.url)).toEqual({ blue: 'open', green: 'closed' });
  decided.release();
  const { outcome } = await endOf(living.api, id, SETTLED_MS_MAX);
  expect(outcome).toBe('undone');
  await expectOnly(scenario, 'blue');
  expect(probers.counts('green').accepted).toBe(0);
  await expectProofsVoid(scenario, 'blue');
  await expectLinkStopped(scenario, 'forward');
});

test('D6: the standby of `from` is promoted after C2: it has C1, so it stays closed', async () => {
  await using scenario = await begin('blue', 'streaming');
  const { living, standby, pair } = scenario;
  const opened = living.holds.at('C2');
  const id = await requestSwitch(living.api, 'green');
  await opened.reached;
  await standby.stallReceiver();
  await scenario.failOver();
  opened.release();
  const { outcome } = await endOf(living.api, id, SETTLED_MS_MAX);
  expect(outcome).toBe('committed');
  expect(await statesOf(scenario.url)).toEqual({ blue: 'closed', green: 'open' });
  await expectOnly(scenario, 'green');
  expect(await journal(pair, 'fence_lost')).toEqual([]);
  await expectProofsVoid(scenario, 'blue');
});

test('D6: policy none, promoted without C1 after C2: the fence is lost and restored at once', async () => {
  await using scenario = await begin('blue', 'none');
  const { living, standby, pair } = scenario;
  const [prepared, opened] = [living.holds.at('prepare'), living.holds.at('C2')];
  const id = await requestSwitch(living.api, 'green');
  await prepared.reached;
  await standby.stallReceiver();
  prepared.release();
  await opened.reached;
  await scenario.failOver();
  opened.release();
  await elapsedUntil('blue is closed again', SETTLED_MS_MAX, async () => {
    const states = await statesOf(scenario.url);
    return states.blue === 'closed' && states.green === 'open';
  });
  const { outcome } = await endOf(living.api, id, SETTLED_MS_MAX);
  expect(outcome).toBe('committed');
  await expectOnly(scenario, 'green');
  expect(await journal(pair, 'fence_lost')).toContainEqual(
    expect.objectContaining({ side: 'blue', code: expect.stringMatching(/^TRN/) as string }),
  );
  await expectProofsVoid(scenario, 'blue');
});
