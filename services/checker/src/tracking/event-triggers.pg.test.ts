import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCheckedPair, type CheckedTestPair } from '../../test/checked-pair.js';
import { openTracking } from './side-tracking.js';
import { dropTracking } from './tracker.js';

const APPLICATION = 'turnout/1/checker/shop';

let pair: CheckedTestPair;

beforeAll(async () => {
  pair = await startCheckedPair(/* sql */ `create table public.rows (id int primary key);`, [
    'rows',
  ]);
  for (const session of [pair.blue, pair.green]) {
    await session.query(/* sql */ `
      create function public.refuse_ddl() returns event_trigger language plpgsql as
        $$ begin raise exception 'no DDL by %', current_user; end $$;
      create event trigger refuse on ddl_command_start execute function public.refuse_ddl();
      create event trigger refuse_drop on sql_drop execute function public.refuse_ddl()`);
  }
});
afterAll(() => pair?.stop());

test.each(['blue', 'green'] as const)(
  'DDL of the checker meets no event trigger of %s',
  async (side) => {
    const { tracker } = await openTracking({
      pair: pair.context.pair,
      side,
      applicationName: APPLICATION,
      inherited: null,
    });
    await tracker.close();
    const published = async (): Promise<number> => {
      const { rows } = await pair[side].query(
        /* sql */ `select from pg_publication where pubname = 'turnout_shop_check'`,
      );
      return rows.length;
    };
    expect(await published()).toBe(1);
    await dropTracking('shop', pair.context.pair[side], APPLICATION);
    expect(await published()).toBe(0);
  },
);
