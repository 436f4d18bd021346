import type { Bus } from '@turnout/bus/bus';
import { waitUntil } from '@turnout/core/waiting';
import {
  LINK_PROGRESSED,
  makeEvent,
  type CloudEvent,
  type LinkProgressed,
} from '@turnout/contracts/events';
import { withSession, type Session } from '@turnout/postgres/session';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { Store } from '@turnout/store/store';
import { openContext } from '@turnout/testkit/pair/services';
import { INSTALLED, TestPair } from '@turnout/testkit/pair/test-pair';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLagMonitor } from './service.js';

const applicationName = 'turnout/0/test/shop';
let pair: TestPair;
let store: Store;
let bus: Bus;
let blue: Session;
let green: Session;
let context: ServiceContext;

const soon = { timeoutMs: 20_000, intervalMs: 50, onTimeout: () => new Error('did not happen') };

beforeAll(async () => {
  pair = await TestPair.create({
    servers: { green: 'blue', control: 'blue' },
    installed: INSTALLED,
    common: { bus: { kind: 'memory' } },
  });
  ({ blue, green } = pair);
  await blue.query(`select pg_create_logical_replication_slot('turnout_shop_forward', 'pgoutput')`);
  ({ context } = pair.use('context', await openContext(pair.config, 'test')));
  ({ store, bus } = context);
  await store.links.setDesired('shop', 'forward', 'streaming');
  await store.links.report('shop', 'forward', {
    state: 'streaming',
    receivedLsn: null,
    appliedLsn: null,
    durableLsn: null,
    open: true,
    copy: null,
    transactionsApplied: 0,
    rowsApplied: 0,
    slot: null,
    markerSeen: null,
  });
});

afterAll(() => pair?.[Symbol.asyncDispose]());

/** The heartbeat of blue as it is on a side. */
async function heartbeat(on: Session): Promise<{ token: string; written_at: string } | undefined> {
  const { rows } = await on.query(
    `select token, written_at from turnout.marker
      where side = 'blue' and kind = 'heartbeat' and token is not null`,
  );
  return rows[0] as { token: string; written_at: string } | undefined;
}

/** What a replicator that keeps up would say of the newest heartbeat. */
async function sayApplied(sequence: number): Promise<void> {
  const { token, written_at } = (await heartbeat(blue))!;
  const { rows } = await blue.query<{ lsn: string }>(`select pg_current_wal_lsn() as lsn`);
  const writtenAt = `${written_at.replace(' ', 'T').replace('+00', '')}Z`;
  const data: LinkProgressed = {
    direction: 'forward',
    received_lsn: rows[0]!.lsn,
    applied_lsn: rows[0]!.lsn,
    durable_lsn: null,
    marker: {
      token,
      written_at: writtenAt,
      received_at: writtenAt,
      applied_at: new Date(Date.parse(writtenAt) + 7).toISOString(),
    },
  };
  const event = makeEvent({
    type: LINK_PROGRESSED,
    pair: 'shop',
    sequence,
    data: { ...data },
    time: new Date().toISOString(),
    source: '/test',
  });
  await bus.deliver('links', [event]);
}

test('lag is measured by events, by SQL when they stop, and vanishes with the link', async () => {
  const stop = new AbortController();
  const lagEvents: CloudEvent[] = [];
  await bus.subscribe('lag', 'test', async (event) => void lagEvents.push(event));
  const running = createLagMonitor(context).run(stop.signal);

  await waitUntil(() => heartbeat(blue), soon);
  const greens = await green.query(
    `select from turnout.marker where side = 'green' and token is not null`,
  );
  expect(greens.rowCount, 'no heartbeat on a side that no link reads').toBe(0);

  let sequence = 0;
  const byBus = await waitUntil(async () => {
    await sayApplied((sequence += 1));
    const sample = await store.lag.get('shop', 'forward');
    return sample?.source === 'bus' && sample.lagMs !== null ? sample : undefined;
  }, soon);
  expect(byBus).toMatchObject({ lagMs: 7 });
  expect(byBus.lagBytes).not.toBeNull();
  const exposed = await context.metrics.registry.metrics();
  expect(exposed).toContain('pair="shop",direction="forward",stage="applied"} 0.007');
  expect(exposed).toMatch(/turnout_slot_retained_bytes\{pair="shop",direction="forward"\} \d/);
  expect(lagEvents.at(-1)).toMatchObject({ type: 'turnout.lag.measured.v1', subject: 'shop' });

  // No more events; the marker alone is carried over, as a replicator cut off from the bus would.
  const bySql = await waitUntil(async () => {
    const marker = (await heartbeat(blue))!;
    await green.query(
      `update turnout.marker set token = $1, written_at = $2 where side = 'blue' and kind = 'heartbeat'`,
      [marker.token, marker.written_at],
    );
    const sample = await store.lag.get('shop', 'forward');
    return sample?.source === 'sql' && sample.lagMs !== null ? sample : undefined;
  }, soon);
  expect(bySql.lagMs).toBeGreaterThan(0);

  await store.links.setDesired('shop', 'forward', 'stopped');
  await waitUntil(async () => {
    const text = await context.metrics.registry.metrics();
    return /replication_lag_seconds\{/.test(text) ? undefined : true;
  }, soon);
  stop.abort();
  await running;
  expect((await store.leases.get('lag-monitor'))?.holder).toBeNull();
  const left = await withSession({ endpoint: context.config.control, applicationName }, (session) =>
    session.query(`select from pg_stat_activity where application_name like '%lag-monitor%'`),
  );
  expect(left.rowCount).toBe(0);
}, 60_000);
