import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCheckedPair, type CheckedTestPair } from '../../test/checked-pair.js';
import { keyText } from '../units/relation-keys.js';
import { openTracking } from './side-tracking.js';

let pair: CheckedTestPair;

beforeAll(async () => {
  pair = await startCheckedPair(
    /* sql */ `create table public.rows (id int primary key, v text);
      insert into public.rows values (1, 'a'), (2, 'b')`,
    ['rows'],
  );
});
afterAll(() => pair?.stop());

test('a repair by hand changes keys for the checker, which trusts no signature of ours', async () => {
  const { tracker } = await openTracking({
    pair: pair.context.pair,
    side: 'green',
    applicationName: 'turnout/1/checker/shop',
    inherited: null,
  });
  try {
    await pair.green.query(/* sql */ `begin; select turnout.repair();
      delete from public.rows where id = 2; commit`);
    const token = randomUUID();
    const read = tracker.expectMarker(token);
    await pair.green.query(
      /* sql */ `update turnout.marker set token = $1 where side = 'green' and kind = 'check'`,
      [token],
    );
    await read;
    expect(tracker.state.dirty.keysOf('public.rows')).toEqual([keyText(['2'])]);
  } finally {
    await tracker.close();
  }
});
