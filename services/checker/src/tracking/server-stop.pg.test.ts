import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deferred, waitUntil } from '@turnout/core/waiting';
import type { Side } from '@turnout/core/sides';
import { openSession, type Session } from '@turnout/postgres/session';
import { startCheckedPair, type CheckedTestPair } from '../../test/checked-pair.js';

const SCHEMA = /* sql */ `create table public.rows (id bigserial primary key, v text);`;
/** What our readers may add to a fast shutdown. */
const DELAY_MS_MAX = 1_500;

let pair: CheckedTestPair;
const sessions: Partial<Record<Side, Session>> = {};

const clusterOf = (side: Side) => pair.clusters[side === 'blue' ? 0 : 1]!;

async function reconnect(side: Side): Promise<void> {
  await sessions[side]?.end().catch(() => undefined);
  sessions[side] = await openSession({
    endpoint: { url: clusterOf(side).url('shop') },
    applicationName: 'test',
  });
}

async function stopMs(side: Side): Promise<number> {
  const startedMs = performance.now();
  await clusterOf(side).stop();
  const tookMs = performance.now() - startedMs;
  await clusterOf(side).start();
  await reconnect(side);
  return tookMs;
}

async function untilFollowed(side: Side): Promise<void> {
  await waitUntil(
    async () => {
      const { rows } = await sessions[side]!.query(
        /* sql */ `select from pg_replication_slots where slot_name = 'turnout_shop_check' and active`,
      );
      return rows.length === 1 ? true : undefined;
    },
    { timeoutMs: 20_000, intervalMs: 10, onTimeout: () => new Error(`${side} is not followed`) },
  );
}

/** Inserts on blue until its server goes. */
async function startWriter(): Promise<{ ended: Promise<number>; stop(): void }> {
  const session = await openSession({
    endpoint: { url: clusterOf('blue').url('shop') },
    applicationName: 'writer',
  });
  const first = deferred();
  let going = true;
  const ended = (async () => {
    let confirmed = 0;
    try {
      for (; going; confirmed += 1) {
        await session.query(/* sql */ `insert into public.rows (v) values ('written')`);
        first.resolve();
      }
    } catch {
      // The server went.
    }
    await session.end().catch(() => undefined);
    return confirmed;
  })();
  await first.promise;
  return { ended, stop: () => (going = false) };
}

const alone: Record<Side, number> = { blue: 0, green: 0 };

beforeAll(async () => {
  pair = await startCheckedPair(SCHEMA, ['rows']);
  for (const side of ['blue', 'green'] as const) alone[side] = await stopMs(side);
  await pair.applier.reconnect();
  await pair.startChecker();
  expect(await pair.check('full')).toMatchObject({ outcome: 'equal' });
  for (const side of ['blue', 'green'] as const) {
    await pair.store.tracking.setDesired('shop', side, true);
    await untilFollowed(side);
  }
});
afterAll(async () => {
  for (const session of Object.values(sessions)) await session.end();
  await pair?.stop();
});

describe.each(['blue', 'green'] as const)('a fast shutdown of %s', (side) => {
  test.each(['idle', 'under load'] as const)(
    'is not held up by a checker that is %s, which then goes on from the same proof',
    async (load) => {
      const base = (await pair.store.tracking.get('shop', 'blue'))?.observed?.baseCheckId;
      const writer = load === 'idle' ? null : await startWriter();
      expect(await stopMs(side)).toBeLessThan(alone[side] + DELAY_MS_MAX);
      writer?.stop();
      await writer?.ended;
      await untilFollowed(side);
      await pair.applier.reconnect();
      // Written before and after the restart: what was not proven is known still.
      expect(await pair.check('incremental')).toMatchObject({ outcome: 'equal', reason: null });
      const tracking = await pair.store.tracking.get('shop', 'blue');
      expect(tracking?.observed?.baseCheckId).toBe(base);
    },
  );
});

test('what was written before the stop and not proven is compared after it', async () => {
  await sessions.green!.query(/* sql */ `
    create function public.spoil() returns trigger language plpgsql
      as $$ begin new.v := 'spoilt'; return new; end $$;
    create trigger spoil before insert on public.rows for each row execute function public.spoil();
    alter table public.rows enable always trigger spoil`);
  pair.applier.pause();
  await sessions.blue!.query(/* sql */ `insert into public.rows (v) values ('sound')`);
  await stopMs('blue');
  pair.applier.resume();
  await pair.applier.reconnect();
  await untilFollowed('blue');
  await waitUntil(
    async () => {
      const { rows } = await sessions.green!.query(
        /* sql */ `select from public.rows where v = 'spoilt'`,
      );
      return rows.length === 1 ? true : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 10, onTimeout: () => new Error('not applied') },
  );
  await waitUntil(
    async () => {
      await pair.check('incremental');
      return (await pair.store.checks.openDifferences('shop')) === 1 ? true : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 10, onTimeout: () => new Error('not found') },
  );
});
