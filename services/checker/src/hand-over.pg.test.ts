import { waitUntil } from '@turnout/core/waiting';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCheckedPair, type CheckedTestPair } from '../test/checked-pair.js';

/** Both sides start with the same rows: the plain applier would need minutes for them. */
const SCHEMA = `
  create table public.rows (id int primary key, v text);
  insert into public.rows select n, 'v' from generate_series(1, 250000) as n;
  analyze public.rows;`;

let pair: CheckedTestPair;

beforeAll(async () => {
  pair = await startCheckedPair(SCHEMA, ['rows']);
  await pair.startChecker();
});

afterAll(async () => {
  await pair?.stop();
});

async function tracked(side: 'blue' | 'green'): Promise<void> {
  await waitUntil(
    async () => (await pair.store.tracking.get('shop', side))?.observed?.horizonLsn ?? undefined,
    { timeoutMs: 10_000, intervalMs: 20, onTimeout: () => new Error(`${side} is not tracked`) },
  );
}

test('a large table is compared in seconds and a final check takes milliseconds', async () => {
  const full = await pair.check('full');
  expect(full).toMatchObject({ outcome: 'equal', rowsCompared: 250_000 });
  await pair.store.tracking.setDesired('shop', 'blue', true);
  await pair.store.tracking.setDesired('shop', 'green', true);
  await tracked('green');
  await pair.blue.query(`update public.rows set v = 'w' where id <= 40`);
  await waitUntil(
    async () => {
      const { rows } = await pair.green.query(`select 1 from public.rows where v = 'w'`);
      return rows.length === 40 ? true : undefined;
    },
    { timeoutMs: 10_000, intervalMs: 5, onTimeout: () => new Error('not drained') },
  );
  const final = await pair.check('final', { source: 'blue', target: 'green' });
  // Generous: shared machines stall. Without load it takes 10 to 30 ms.
  expect(final.seconds).toBeLessThan(0.5);
  expect(final).toMatchObject({ outcome: 'equal' });
});

test('after the switch the other side builds on the final check and sees what came since', async () => {
  const final = (await pair.store.checks.last('shop', 'final'))!;
  // Everything written on green before this counts as applied on blue: no reverse link runs here.
  await pair.blue.query(`
    insert into turnout.progress (link, worker, source_lsn, end_lsn, open)
    values ('reverse', 'apply', 'FFFFFFF/0', 'FFFFFFF/0', true)`);
  await pair.store.links.ensure('shop', 'reverse');
  const { observed } = (await pair.store.links.get('shop', 'forward'))!;
  await pair.store.links.report('shop', 'reverse', observed!);
  await pair.store.journal.transition('shop', {
    writableSide: 'green',
    type: 'test',
    data: {},
    actor: 'test',
  });
  expect(await pair.check('incremental')).toMatchObject({ outcome: 'equal', reason: null });
  const tracking = await pair.store.tracking.get('shop', 'green');
  expect(tracking?.observed?.baseCheckId).toBe(final.id);
  await pair.green.query(`update public.rows set v = 'lost' where id = 9`);
  const found = await pair.check('incremental');
  if (found.outcome !== 'different') expect(found.reason).toBe('no_base');
  expect(await pair.store.checks.openDifferences('shop')).toBe(1);
});
