import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSession, type Session } from '../session.js';
import { readUnguardedTables } from '../catalog/guarded-tables.js';
import { dropGuardTriggers, installGuardTriggers } from './guard-triggers.js';
import { readGuard, swapGuard } from './guard.js';
import { installCluster, uninstallCluster } from './install.js';

describe.each(['13', '15'] as const)('the objects of a side on %s', (version) => {
  let cluster: Cluster;
  let session: Session;
  const others: Session[] = [];

  const open = async (): Promise<Session> => {
    const endpoint = { url: cluster.url('shop') };
    const opened = await openSession({ endpoint, applicationName: 'shop application' });
    others.push(opened);
    return opened;
  };

  beforeAll(async () => {
    cluster = await startCluster({ version });
  });

  afterAll(() => cluster[Symbol.asyncDispose]());

  beforeEach(async () => {
    const endpoint = { url: await cluster.createDatabase('shop') };
    session = await openSession({ endpoint, applicationName: 'turnout/1/install/shop' });
  });

  afterEach(async () => {
    for (const other of others.splice(0)) await other.end();
    await session.end();
    await cluster.dropDatabase('shop');
  });

  const side = { pair: 'shop', side: 'green', state: 'closed' } as const;

  test('installing twice changes nothing and keeps what the side says about itself', async () => {
    await installCluster(session, side);
    await session.query(`update turnout.side set state = 'open', guard = 'pass', fence_epoch = 7`);
    await installCluster(session, side);
    const { rows } = await session.query('select pair, side, state, fence_epoch from turnout.side');
    expect(rows).toEqual([{ pair: 'shop', side: 'green', state: 'open', fence_epoch: '7' }]);
    const markers = await session.query('select side, kind from turnout.marker order by 1, 2');
    expect(markers.rows).toHaveLength(8);
    expect(markers.rows[0]).toEqual({ side: 'blue', kind: 'check' });
  });

  test('two installers at once leave one installation', async () => {
    const other = await open();
    await Promise.all([installCluster(session, side), installCluster(other, side)]);
    const { rows } = await session.query('select count(*) as rows from turnout.side');
    expect(rows).toEqual([{ rows: '1' }]);
  });

  test('a new closed side is guarded from its first moment, a new open one passes', async () => {
    await installCluster(session, side);
    expect(await readGuard(session)).toBe('closed');
    await uninstallCluster(session);
    await installCluster(session, { pair: 'shop', side: 'blue', state: 'open' });
    expect(await readGuard(session)).toBe('pass');
  });

  test.each([
    ['another pair', { ...side, pair: 'other' }],
    ['the other side', { ...side, side: 'blue' as const }],
  ])('a database that belongs to %s is refused and left as it was', async (_what, wanted) => {
    await installCluster(session, side);
    await expect(installCluster(session, wanted)).rejects.toMatchObject({ code: 'TRN2015' });
    const { rows } = await session.query('select pair, side from turnout.side');
    expect(rows).toEqual([{ pair: 'shop', side: 'green' }]);
  });

  test('a schema of that name which is not ours is refused', async () => {
    await session.query('create schema turnout');
    await expect(installCluster(session, side)).rejects.toMatchObject({ code: 'TRN2015' });
  });

  test('a migration whose text changed since is refused', async () => {
    await installCluster(session, side);
    await session.query(`update turnout.migration set checksum = 'other' where id = 1`);
    await expect(installCluster(session, side)).rejects.toMatchObject({ code: 'TRN6006' });
  });

  test('an installation of a newer release is left alone', async () => {
    await installCluster(session, side);
    await session.query(`insert into turnout.migration values (9999, '9999_later', 'x')`);
    await expect(installCluster(session, side)).rejects.toMatchObject({ code: 'TRN6003' });
  });

  test('every body reads back as what was swapped in', async () => {
    await installCluster(session, side);
    const until = '2040-01-01T00:00:00.000Z';
    for (const kind of ['armed', 'closed_until', 'closed', 'pass'] as const) {
      await swapGuard(session, kind, { otherSide: 'blue', until });
      expect(await readGuard(session)).toBe(kind);
    }
  });

  test('triggers reach every table, partition and root, and go again before the schema', async () => {
    await installCluster(session, side);
    await session.query(`create schema "Odd ""name"`);
    await session.query(`create table "Odd ""name"."Table" (id int);
      create table public.root (id int) partition by range (id);
      create table public.leaf partition of public.root for values from (0) to (9);
      create unlogged table public.fleeting (id int);
      create temporary table passing (id int)`);
    expect(await installGuardTriggers(session)).toBe(4);
    expect(await installGuardTriggers(session)).toBe(0);

    await session.query('alter table public.leaf disable trigger turnout_guard');
    await session.query('alter table public.root enable always trigger turnout_guard');
    expect((await readUnguardedTables(session)).map(({ name }) => name)).toEqual(['leaf', 'root']);
    expect(await installGuardTriggers(session)).toBe(2);
    expect(await readUnguardedTables(session)).toEqual([]);

    await expect(uninstallCluster(session)).rejects.toMatchObject({ code: 'TRN5007' });
    expect(await dropGuardTriggers(session)).toBe(4);
    await uninstallCluster(session);
    await uninstallCluster(session);
    const { rows } = await session.query(`select to_regnamespace('turnout') as left`);
    expect(rows).toEqual([{ left: null }]);
  });

  test('a table that somebody writes is waited for, named, and does not hold up the others', async () => {
    await installCluster(session, side);
    await session.query('create table public.busy (id int); create table public.quiet (id int)');
    const writer = await open();
    await writer.query('begin; insert into public.busy values (1)');
    const inTheWay: string[] = [];
    await expect(
      installGuardTriggers(session, {
        lockTimeoutMs: 20,
        timeoutMs: 100,
        onBlocked: (table) => inTheWay.push(table),
      }),
    ).rejects.toMatchObject({
      code: 'TRN5007',
      facts: { table: '"public"."busy"', held_by: 'shop application' },
    });
    expect(new Set(inTheWay)).toEqual(new Set(['"public"."busy"']));
    expect((await readUnguardedTables(session)).map(({ name }) => name)).toEqual(['busy']);

    const installed = installGuardTriggers(session, {
      lockTimeoutMs: 20,
      onBlocked: () => void writer.query('commit').catch(() => undefined),
    });
    expect(await installed).toBe(1);
  });
});
