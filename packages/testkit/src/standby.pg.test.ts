import { waitUntil } from '@turnout/core/waiting';
import { expect, test } from 'vitest';
import { MAJOR_VERSIONS } from './cluster/binaries.js';
import { withClient } from './cluster/client.js';
import { isAlive } from './cluster/process-tree.js';
import { startCluster } from './cluster.js';
import { startStandby } from './standby.js';

function rowsOf(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ n: number }>('select count(*)::int as n from t');
    return rows[0]?.n ?? -1;
  });
}

const write = (url: string): Promise<unknown> =>
  withClient(url, (client) => client.query('insert into t default values'));

test.each(MAJOR_VERSIONS)(
  'a standby of %s streams, lags when told to, and is promoted',
  async (version) => {
    await using primary = await startCluster({ version, name: 'primary' });
    const url = await primary.createDatabase('app');
    await withClient(url, (client) => client.query('create table t (id serial)'));
    await using standby = await startStandby(primary, { name: 'copy' });
    await write(url);
    await standby.untilCaughtUp();
    expect(await rowsOf(standby.url('app'))).toBe(1);
    await expect(write(standby.url('app'))).rejects.toMatchObject({ code: '25006' });

    await standby.pauseReplay();
    await write(url);
    expect(await rowsOf(standby.url('app'))).toBe(1);
    await standby.resumeReplay();
    await standby.untilCaughtUp();
    expect(await rowsOf(standby.url('app'))).toBe(2);

    await standby.stallReceiver();
    await write(url);
    await standby.promote();
    expect(await rowsOf(url)).toBe(3);
    expect(await rowsOf(standby.url('app')), 'what was not received is lost').toBe(2);
    await write(standby.url('app'));
    expect(await rowsOf(standby.url('app'))).toBe(3);
  },
);

test('a synchronous standby whose receiver is halted holds commits back until it goes on', async () => {
  await using primary = await startCluster({ version: '13', name: 'primary' });
  const url = await primary.createDatabase('app');
  await withClient(url, (client) => client.query('create table t (id serial)'));
  await using standby = await startStandby(primary, { name: 'sync' });
  await withClient(primary.url(), async (client) => {
    await client.query(`alter system set synchronous_standby_names = 'sync'`);
    await client.query('select pg_reload_conf()');
  });
  await write(url);
  await standby.stallReceiver();
  const late = withClient(url, (client) =>
    client.query(`set statement_timeout = 0; insert into t default values`),
  );
  await withClient(primary.url(), (client) =>
    waitUntil(
      async () => {
        const { rowCount } = await client.query(
          `select from pg_stat_activity where wait_event = 'SyncRep'`,
        );
        return rowCount === 1 ? true : undefined;
      },
      { timeoutMs: 10_000, intervalMs: 5, onTimeout: () => new Error('the commit did not wait') },
    ),
  );
  standby.resumeReceiver();
  await late;
  expect(await rowsOf(url)).toBe(2);
});

test('a standby whose receiver is halted ends with its owner', async () => {
  await using primary = await startCluster({ version: '15', name: 'primary' });
  const standby = await startStandby(primary);
  const pid = await withClient(standby.url(), async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_wal_receiver');
    return rows[0]?.pid ?? 0;
  });
  await standby.stallReceiver();
  await standby[Symbol.asyncDispose]();
  expect(isAlive(pid)).toBe(false);
});
