import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { deferred, waitUntil } from '@turnout/core/waiting';
import { Secret } from '@turnout/core/secret';
import { openSession, withSession, type Session } from '@turnout/postgres/session';
import { mustSkip } from '@turnout/testkit/availability';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { pgBouncerMissing, startPgBouncer, type PgBouncer } from '@turnout/testkit/pgbouncer';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRoutes } from '../route-config.js';
import type { Routes } from '../routes.js';
import { spawnGuardian, startGuardian, type GuardianOptions } from './guardian.js';

const skip = await mustSkip(pgBouncerMissing);
const LIMITS = { deadlineMs: 10_000 };
let cluster: Cluster;
let pooler: PgBouncer;
let routes: Routes;
let from: Session;
const parents: ChildProcess[] = [];

beforeAll(async () => {
  if (skip) return;
  cluster = await startCluster({ version: '15', name: 'guardian' });
  await cluster.createDatabase('blue');
  await cluster.createDatabase('green');
});

beforeEach(async () => {
  if (skip) return;
  const shop = `host=127.0.0.1 port=${cluster.port} dbname=blue user=postgres`;
  pooler = await startPgBouncer({ databases: { shop } });
  routes = createRoutes(
    [{ pgbouncer: { admin: pooler.adminUrl, file: pooler.databasesFile, database: 'shop' } }],
    { pair: 'shop', sideUrls: { blue: cluster.url('blue'), green: cluster.url('green') } },
  );
  from = await openSession({ endpoint: { url: cluster.url('blue') }, applicationName: 'fence' });
  await from.query('drop schema if exists turnout cascade; create schema turnout');
  await from.query(`create table turnout.side as select 'open' as state`);
});

afterEach(async () => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL');
  await from.end();
  await routes.close();
  await pooler[Symbol.asyncDispose]();
});

afterAll(() => cluster?.[Symbol.asyncDispose]());

function optionsOf(changes: Partial<GuardianOptions> = {}): GuardianOptions {
  return {
    poolers: [{ name: 'pooler', adminUrl: pooler.adminUrl, database: 'shop' }],
    fromEndpoint: { url: cluster.url('blue') },
    deadlineMs: 30_000,
    pauseTimeoutMs: 2_000,
    ...changes,
  };
}

/** A process that starts a guardian, says so when it holds, and then lives until it is killed. */
async function startParent(): Promise<{ parent: ChildProcess; guardianPid: number }> {
  const program = new URL('../../dist/guardian/guardian.js', import.meta.url).href;
  const script = `
    import { startGuardian } from ${JSON.stringify(program)};
    const guardian = startGuardian(${JSON.stringify(optionsOf())});
    await guardian.paused();
    process.stdout.write(String(guardian.pid));
    setInterval(() => undefined, 1_000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  parents.push(parent);
  const [pid] = (await once(parent.stdout!, 'data')) as [Buffer];
  return { parent, guardianPid: Number(pid.toString()) };
}

async function gone(pid: number): Promise<void> {
  await waitUntil(
    async () => {
      try {
        process.kill(pid, 0);
        return undefined;
      } catch {
        return true;
      }
    },
    {
      timeoutMs: 10_000,
      intervalMs: 10,
      onTimeout: () => new Error('the guardian is still there'),
    },
  );
}

async function routedTo(): Promise<string | undefined> {
  return (await routes.probe(LIMITS))[0]?.routedTo;
}

function query(): Promise<unknown> {
  const options = { endpoint: { url: pooler.url('shop') }, applicationName: 'client' };
  return withSession(options, (session) => session.query('select 1'));
}

test.skipIf(skip)('killed parent, open side: the clients it held go on', async () => {
  const { parent, guardianPid } = await startParent();
  expect(await routedTo()).toBe('held');
  const held = query();
  parent.kill('SIGKILL');
  await held;
  await gone(guardianPid);
  expect(await routedTo()).toBe('blue');
});

test.skipIf(skip)('killed parent, closed side: the hold is left to the successor', async () => {
  const { parent, guardianPid } = await startParent();
  await from.query(`update turnout.side set state = 'closed'`);
  parent.kill('SIGKILL');
  await gone(guardianPid);
  expect(await routedTo()).toBe('held');
});

test.skipIf(skip)('killed in mid-decision: it waits until the fence is settled', async () => {
  const { parent, guardianPid } = await startParent();
  await from.query('begin');
  await from.query(`update turnout.side set state = 'closed'`);
  parent.kill('SIGKILL');
  // It must be seen to wait for the row: reading past the lock would show the state of before.
  await withSession(
    { endpoint: { url: cluster.url() }, applicationName: 'watch' },
    async (session) => {
      await waitUntil(
        async () => {
          const { rows } = await session.query(
            `select from pg_stat_activity
              where application_name = 'turnout_guardian' and wait_event_type = 'Lock'`,
          );
          return rows.length > 0 ? true : undefined;
        },
        { timeoutMs: 5_000, intervalMs: 5, onTimeout: () => new Error('it does not wait') },
      );
    },
  );
  expect(await routedTo()).toBe('held');
  await from.query('commit');
  await gone(guardianPid);
  expect(await routedTo()).toBe('held');
});

test.skipIf(skip)('a deadline passes: the hold ends although the parent lives', async () => {
  const guardian = startGuardian(optionsOf({ deadlineMs: 1_500 }));
  await guardian.paused();
  const held = query();
  expect(await guardian.ended).toBe('resumed');
  await held;
});

test.skipIf(skip)('released: it exits and touches nothing', async () => {
  const guardian = startGuardian(optionsOf());
  await guardian.paused();
  expect(await guardian.release()).toBe('released');
  expect(await routedTo()).toBe('held');
});

test.skipIf(skip)('closed without release: as if the parent had died', async () => {
  const guardian = startGuardian(optionsOf());
  await guardian.paused();
  expect(await guardian.close()).toBe('resumed');
  expect(await routedTo()).toBe('blue');
});

test.skipIf(skip)(
  'a client in its transaction: refused in time, and nobody stays held',
  async () => {
    const client = await openSession({
      endpoint: { url: pooler.url('shop') },
      applicationName: 'client',
    });
    await client.query('begin');
    await client.query('select 1');
    const guardian = startGuardian(optionsOf({ pauseTimeoutMs: 300 }));
    await expect(guardian.paused()).rejects.toMatchObject({
      code: 'TRN5013',
      facts: { instance: 'pooler', not_resumed: null },
    });
    expect(await guardian.ended).toBe('resumed');
    expect(await routedTo()).toBe('blue');
    await client.query('commit');
    await client.end();
  },
);

test.skipIf(skip)('passwords show neither in its arguments nor in its environment', async () => {
  const password = new Secret('open-sesame');
  const guardian = startGuardian(
    optionsOf({ fromEndpoint: { url: cluster.url('blue'), password } }),
  );
  await guardian.paused();
  for (const file of ['cmdline', 'environ']) {
    const text = await readFile(`/proc/${guardian.pid}/${file}`, 'utf8');
    expect(text).not.toContain('open-sesame');
    expect(text).not.toContain(pooler.adminUrl);
  }
  await guardian.close();
});

test.skipIf(skip)(
  'all routes together: hold, point, release; and an abort gives the hold back',
  async () => {
    const fromEndpoint = { url: cluster.url('blue') };
    const request = { from: 'blue', fromEndpoint, deadlineMs: 20_000, timeoutMs: 2_000 } as const;
    const hold = await routes.hold({ ...request, signal: new AbortController().signal });
    const held = query();
    await routes.point('green', 1n, LIMITS);
    await held;
    await hold.release();
    expect(await routedTo()).toBe('green');

    await routes.point('blue', 2n, LIMITS);
    const client = await openSession({
      endpoint: { url: pooler.url('shop') },
      applicationName: 'client',
    });
    await client.query('begin');
    await client.query('select 1');
    const abort = new AbortController();
    const outcome = deferred<unknown>();
    routes.hold({ ...request, signal: abort.signal }).catch((error) => outcome.resolve(error));
    await waitUntil(async () => ((await routedTo()) === 'held' ? true : undefined), {
      timeoutMs: 5_000,
      intervalMs: 5,
      onTimeout: () => new Error('PAUSE was not seen'),
    });
    abort.abort();
    expect(await outcome.promise).toMatchObject({ name: 'AbortError' });
    expect(await routedTo()).toBe('blue');
    await client.query('commit');
    await client.end();
  },
);

test.skipIf(skip)(
  'a guardian started ahead makes the hold short, and leaves when not needed',
  async () => {
    await routes.warm();
    await routes.warm();
    const fromEndpoint = { url: cluster.url('blue') };
    const request = { from: 'blue', fromEndpoint, deadlineMs: 20_000, timeoutMs: 2_000 } as const;
    const before = performance.now();
    const hold = await routes.hold({ ...request, signal: new AbortController().signal });
    expect(performance.now() - before).toBeLessThan(250);
    expect(await routedTo()).toBe('held');
    await routes.resume(LIMITS);
    await hold.release();
    expect(await routedTo()).toBe('blue');
    await routes.warm();
    const idle = spawnGuardian();
    await idle.ready();
    await idle.close();
    expect(idle.alive).toBe(false);
  },
);

test.skipIf(skip)('reconciling while a hold of ours stands leaves it standing', async () => {
  const fromEndpoint = { url: cluster.url('blue') };
  const request = { from: 'blue', fromEndpoint, deadlineMs: 20_000, timeoutMs: 2_000 } as const;
  const hold = await routes.hold({ ...request, signal: new AbortController().signal });
  await routes.reconcile('blue', 1n, LIMITS);
  expect(await routedTo()).toBe('held');
  await hold.release();
  expect(await routes.reconcile('blue', 1n, LIMITS)).toMatchObject([{ ok: true }]);
  expect(await routedTo()).toBe('blue');
});
