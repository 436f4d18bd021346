import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourceOf, targetOf, type Direction } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { swapGuard } from '@turnout/postgres/cluster/guard';
import { openSession, type Session } from '@turnout/postgres/session';
import { Pair, startClusters, stopClusters, type Clusters } from '../../test/pair-fixture.js';

const DDL = /* sql */ `create table public.item (id int primary key, v text);`;

let clusters: Clusters;

beforeAll(async () => {
  clusters = await startClusters();
});
afterAll(() => stopClusters(clusters));

interface Leak {
  readonly tables: string;
  readonly resolved: boolean;
}

/** A pair that writes on the other side; `link` watches the closed one. */
async function watchedPair(link: Direction): Promise<Pair> {
  const pair = await Pair.create(clusters, DDL);
  await pair.install('forward', true);
  await pair.install('reverse');
  await pair.start('forward');
  await pair.start('reverse');
  const closed = sourceOf(link);
  if (closed === 'blue') {
    await pair.green.query(/* sql */ `
      update turnout.progress set open = false, switch_epoch = 4
       where link = 'forward' and worker = 'apply'`);
    await pair.blue.query(/* sql */ `update turnout.side set state = 'closed', guard = 'closed'`);
    await pair.green.query(/* sql */ `update turnout.side set state = 'open', guard = 'pass'`);
    await pair.roundTrip('reverse');
  }
  const session = pair.session(closed);
  await session.query(/* sql */ `create trigger turnout_guard before insert or update or delete or truncate
    on public.item for each statement execute function turnout.guard()`);
  await swapGuard(session, 'closed', { otherSide: targetOf(link) });
  return pair;
}

/** Whoever bypasses the guard, as a superuser may. */
async function leak(session: Session, statement: string): Promise<void> {
  await session.query(`begin; set local session_replication_role = replica; ${statement}; commit`);
}

async function leaks(pair: Pair, link: Direction): Promise<Leak[]> {
  const { rows } = await pair.session(targetOf(link)).query<{ tables: string; resolved: string }>(
    /* sql */ `select tables, resolved_at is not null as resolved from turnout.leak
        where link = $1 order by final_lsn`,
    [link],
  );
  return rows.map(({ tables, resolved }) => ({ tables, resolved: resolved === 't' }));
}

const refusal = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (thrown: unknown) => thrown,
  );

describe.each(['forward', 'reverse'] as const)('a leak met by a closed %s link', (link) => {
  const closed = sourceOf(link);

  test('is repaired by hand on the closed side without another leak', async () => {
    await using pair = await watchedPair(link);
    const session = pair.session(closed);
    await leak(session, `insert into public.item values (1, 'leaked')`);
    await pair.roundTrip(link);
    expect(await leaks(pair, link)).toEqual([{ tables: '{public.item}', resolved: false }]);
    expect(await refusal(session.query(`delete from public.item`))).toMatchObject({
      code: '25006',
      schema: 'turnout',
    });

    // Also where the second layer of the fence makes read-only the default.
    await session.query('set default_transaction_read_only = on');
    await session.query('begin read write');
    await session.query('select turnout.repair()');
    await session.query('delete from public.item where id = 1');
    await session.query('commit');
    await session.query('set default_transaction_read_only = off');
    await pair
      .session(targetOf(link))
      .query(
        /* sql */ `update turnout.leak set resolved_at = clock_timestamp(), resolution = 'deleted'`,
      );
    await pair.roundTrip(link);
    expect(await leaks(pair, link)).toEqual([{ tables: '{public.item}', resolved: true }]);
    expect(await pair.dump(closed, 'public.item')).toEqual([]);

    // The permission ended with the transaction, and the link still sees what is no repair.
    expect(await refusal(session.query(`insert into public.item values (2, 'x')`))).toMatchObject({
      code: '25006',
    });
    await leak(session, `insert into public.item values (3, 'again')`);
    await pair.roundTrip(link);
    expect((await leaks(pair, link)).map(({ resolved }) => resolved)).toEqual([true, false]);
  });

  test('is not repaired by what would be seen as something else', async () => {
    await using pair = await watchedPair(link);
    const session = pair.session(closed);
    const repairing = (...statements: string[]) =>
      refusal(session.query(`begin; ${statements.join(';')}; commit`)).finally(() =>
        session.query('rollback'),
      );
    // Behind another write the link would stop at a progress row inside a user's transaction.
    expect(
      await repairing('create temp table seen (id int)', 'select turnout.repair()'),
    ).toMatchObject({ code: '55000' });
    expect(
      await repairing(
        'savepoint a',
        'select turnout.repair()',
        'rollback to a',
        'delete from public.item',
      ),
    ).toMatchObject({ code: '25006' });
    // On the open side the change would never reach the other one.
    const open = pair.session(targetOf(link));
    expect(await refusal(open.query('select turnout.repair()'))).toMatchObject({ code: '55000' });
    await session.query('set role pg_monitor');
    expect(await refusal(session.query('select turnout.repair()'))).toMatchObject({
      code: '42501',
    });
    await session.query('reset role');
    await pair.roundTrip(link);
    expect(await leaks(pair, link)).toEqual([]);
  });

  test('keeps its side closed until the repair has ended', async () => {
    await using pair = await watchedPair(link);
    const endpoint = { url: pair.url(closed) };
    const operator = await openSession({ endpoint, applicationName: 'operator' });
    // Within a transaction the view of activity never changes: the operator cannot look itself.
    const observer = await openSession({ endpoint, applicationName: 'observer' });
    await operator.query('begin; select turnout.repair()');
    const opening = pair
      .session(closed)
      .query(
        /* sql */ `update turnout.side set state = 'open', guard = 'pass' returning changed_at`,
      );
    await waitUntil(
      async () => {
        const { rows } = await observer.query(
          /* sql */ `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%turnout.side%'`,
        );
        return rows.length > 0 ? true : undefined;
      },
      { timeoutMs: 5_000, intervalMs: 5, onTimeout: () => new Error('the opening does not wait') },
    );
    await operator.query('commit');
    expect((await opening).rows).toHaveLength(1);
    await observer.end();
    await operator.end();
  });
});
