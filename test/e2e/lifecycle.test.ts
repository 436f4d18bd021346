import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { withClient } from '@turnout/testkit/cluster/client';
import { startClusters, type PairClusters } from '@turnout/testkit/pair/clusters';
import { Holds } from '@turnout/testkit/pair/holds';
import { PairApi } from '@turnout/testkit/pair/pair-api';
import type { RunningServices } from '@turnout/testkit/pair/services';
import { TestPair } from '@turnout/testkit/pair/test-pair';
import { startRedis, type Redis } from '@turnout/testkit/redis';
import { startProxy, type TcpProxy } from '@turnout/testkit/tcp-proxy';
import { startTurnout, turnout, type Run, type RunningTurnout } from './turnout.js';

/**
 * Parts of a pair die and come back in the middle of its life: what is seen of it, what is advised, and
 * that following the advice ends well. One pair goes through the rows in order.
 */
const TABLES = 'create table public.item (id int primary key, name text)';

let clusters: PairClusters;
let redis: Redis;
let pair: TestPair;
let api: PairApi;
let coordinator: RunningServices;
let replicator: RunningTurnout;
let checker: RunningTurnout;
const proxies = {} as Record<'blue' | 'green' | 'redis', TcpProxy>;
const holds = new Holds();

beforeAll(async () => {
  clusters = await startClusters();
  redis = await startRedis();
  proxies.redis = await startProxy({ targetPort: redis.port });
  pair = await TestPair.create({
    clusters,
    tables: TABLES,
    settings: { routes: [{ redis: {} }] },
    common: { redis: { url: `redis://127.0.0.1:${proxies.redis.port}` } },
  });
  await ask('blue', `insert into public.item select n, 'item ' || n from generate_series(1, 50) n`);
  for (const side of ['blue', 'green'] as const) proxies[side] = await pair.proxy(side);
  const via = { blue: proxies.blue, green: proxies.green };
  coordinator = await pair.run(['lag-monitor', 'coordinator'], { failpoint: holds.failpoint, via });
  replicator = startWorker('turnout serve --services replicator');
  checker = startWorker('turnout serve --services checker');
  api = new PairApi(pair.config.api.port, pair.name);
  await api.ready();
  await api.makeReady();
}, 120_000);

afterAll(async () => {
  await pair?.[Symbol.asyncDispose]();
  await proxies.redis?.[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
  await clusters?.[Symbol.asyncDispose]();
}, 60_000);

function env(): NodeJS.ProcessEnv {
  return { TURNOUT_CONFIG: pair.configFile, TURNOUT_TOKEN: 'admin' };
}

/** Runs a command as it was advised, word by word; it ends before the pair does. */
function startWorker(command: string): RunningTurnout {
  const [program, ...words] = command.split(' ');
  expect(program).toBe('turnout');
  const running = startTurnout(words, env());
  pair.use(command, {
    async [Symbol.asyncDispose]() {
      running.interrupt();
      await running.done;
    },
  });
  return running;
}

function run(...words: string[]): Promise<Run> {
  return turnout(words, env());
}

/** By a session of its own each time: the second layer of the fence ends those of clients. */
async function ask<Row extends object>(side: Side, text: string): Promise<Row[]> {
  return withClient(pair.url(side), async (client) => (await client.query<Row>(text)).rows);
}

interface Gate {
  readonly id: string;
  readonly open: boolean;
  readonly observed: string | null;
}

function untilGate(id: string, open: boolean): Promise<string | null> {
  const find = (gates: unknown): Gate | undefined =>
    (gates as Gate[]).find((each) => each.id === id);
  return api
    .until('/gates', ({ gates }) => find(gates)?.open === open)
    .then(({ gates }) => find(gates)?.observed ?? null);
}

function writable(side: Side): Promise<number> {
  const path = `/v1/pairs/${pair.name}/writable/${side}`;
  return api.request('GET', path, { role: null }).then(({ status }) => status);
}

interface Status {
  readonly phase: string;
  readonly links: { direction: string; observed: string | null; why: string | null }[];
  readonly sides: Record<
    Side,
    { writable: boolean | null; age_ms: number; unknown: string | null; version: string | null }
  >;
  readonly routes: { route: string; routed_to: string; ok: boolean }[] | null;
  readonly waiting: { for: string; remedy: string | null } | null;
  readonly next_steps: { command: string; why: string }[];
  readonly leaks: number | null;
}

async function untilStatus(done: (status: Status) => boolean): Promise<Status> {
  return (await api.until('', (body) => done(body as unknown as Status))) as unknown as Status;
}

test.each([
  {
    service: 'replicator',
    lease: () => `link/${pair.name}/forward`,
    worker: () => replicator,
    link: true,
  },
  { service: 'checker', lease: () => `checker/${pair.name}`, worker: () => checker, link: false },
])('D15: a $service that died is missed, and the advised command ends it', async (dead) => {
  await untilGate('workers', true);
  dead.worker().kill();
  const status = await untilStatus(({ next_steps: [first] }) =>
    Boolean(first?.command.endsWith(dead.service)),
  );
  const words = `no worker holds ${dead.lease()} since`;
  if (dead.link) {
    const forward = status.links.find(({ direction }) => direction === 'forward');
    expect(forward).toMatchObject({ observed: null, why: expect.stringContaining(words) });
    expect(status.waiting?.for).toContain(`no worker holds ${dead.lease()}`);
  }
  const observed = await untilGate('workers', false);
  expect(observed).toContain(words);
  expect(observed).toContain(`turnout serve --services ${dead.service}`);
  expect(await api.request('GET', '/readyz', { role: null })).toMatchObject({
    status: 503,
    body: { ok: false, reason: expect.stringContaining(words) },
  });
  startWorker(status.next_steps[0]!.command);
  await untilGate('workers', true);
  await untilGate('lag', true);
  await waitUntil(
    async () =>
      (await api.request('GET', '/readyz', { role: null })).status === 200 ? true : undefined,
    { timeoutMs: 10_000, intervalMs: 50, onTimeout: () => new Error('not ready again') },
  );
});

test.each(['cut', 'stall'] as const)(
  'D12: an idle side that is gone (%s) hides nothing of the open one',
  async (how) => {
    const codes = new Set<number>();
    const watching = new AbortController();
    const watched = (async () => {
      while (!watching.signal.aborted) codes.add(await writable('blue'));
    })();
    proxies.green[how]();
    const status = await untilStatus(
      ({ sides: { green } }) => green.unknown !== null && green.writable === null,
    );
    expect(status.sides.green).toMatchObject({ version: '15.4', unknown: expect.any(String) });
    expect(status.sides.green.age_ms).toBeGreaterThan(4_000);
    expect(status.sides.blue).toMatchObject({ writable: true, unknown: null });
    expect(status.sides.blue.age_ms).toBeLessThan(5_000);
    expect(await writable('green')).toBe(503);
    proxies.green.heal();
    await untilStatus(({ sides: { green } }) => green.writable === false);
    watching.abort();
    await watched;
    expect([...codes]).toEqual([200]);
  },
);

/** What Redis itself holds, asked on its own port. */
async function routeInRedis(): Promise<string> {
  const socket = connect(redis.port, '127.0.0.1');
  socket.write(`GET turnout:${pair.name}:route\r\n`);
  for await (const chunk of socket) return String(chunk);
  return '';
}

async function untilRouted(to: Side): Promise<void> {
  await untilStatus(
    ({ routes }) => routes?.every(({ routed_to, ok }) => ok && routed_to === to) ?? false,
  );
  expect(await routeInRedis()).toContain(`"side":"${to}"`);
}

interface Switchover {
  readonly outcome: string;
  readonly window_ms: number;
  readonly steps: { id: string; outcome: string; ms: number; detail: string | null }[];
}

function expectCommittedWithoutRedis(ended: Switchover): void {
  expect(ended).toMatchObject({ outcome: 'committed' });
  expect(ended.window_ms).toBeLessThan(5_000);
  const route = ended.steps.find(({ id }) => id === 'route');
  expect(route?.detail).toMatch(/routes_unfinished=redis/);
}

test('D9: Redis that is gone before a switch delays its own clients only', async () => {
  await untilRouted('blue');
  await redis.crash();
  await untilGate('lag', true);
  const begunMs = performance.now();
  const ended = (await api.switchTo('green')) as unknown as Switchover;
  expectCommittedWithoutRedis(ended);
  expect(performance.now() - begunMs).toBeLessThan(20_000);
  await api.untilPhase('on_green');
  await redis.start();
  await untilRouted('green');
});

test('D9: Redis that is black-holed during a switch does not hold it up', async () => {
  await untilGate('lag', true);
  const held = holds.at('fence');
  const asked = await api.call('POST', '/switchovers', { to: 'blue' });
  expect(asked.status, JSON.stringify(asked.body)).toBe(202);
  await held.reached;
  proxies.redis.stall();
  held.release();
  const path = `/switchovers/${String(asked.body['id'])}`;
  const ended = await api.until(path, ({ outcome }) => outcome !== 'running');
  expectCommittedWithoutRedis(ended as unknown as Switchover);
  await api.untilPhase('ready');
  proxies.redis.heal();
  await untilRouted('blue');
});

interface Leak {
  readonly id: string;
  readonly side: Side;
  readonly tables: string[];
  readonly changes: number;
}

async function leaks(query = ''): Promise<Leak[]> {
  return (await api.call('GET', `/leaks${query}`)).body['leaks'] as Leak[];
}

/** Past every layer of the fence, as only a superuser who means it can. */
async function writeRogue(side: Side, id: number): Promise<void> {
  await withClient(pair.url(side), async (client) => {
    await client.query('begin read write');
    await client.query('set local session_replication_role = replica');
    await client.query(`insert into public.item values (${id}, 'secret value')`);
    await client.query('commit');
  });
}

test('D19: a leak is listed, holds rollback and complete, and has a way out', async () => {
  expect(await api.switchTo('green')).toMatchObject({ outcome: 'committed' });
  await api.untilPhase('on_green');
  await writeRogue('blue', 1_000);
  await untilStatus(({ leaks: count }) => count === 1);
  const [leak] = await leaks();
  expect(leak).toMatchObject({ side: 'blue', tables: ['public.item'], changes: 1 });
  expect(JSON.stringify(leak)).not.toContain('secret');
  expect(await api.call('GET', `/leaks/${leak!.id}`)).toMatchObject({ status: 200, body: leak! });

  const listed = await run('leaks', 'list', pair.name);
  expect([listed.exit, listed.out]).toEqual([0, expect.stringContaining(leak!.id)]);
  expect((await run('leaks', 'show', pair.name, leak!.id)).out).toContain('public.item');
  const advised = await untilStatus(({ next_steps }) => next_steps.length > 0);
  expect(advised.next_steps[0]!.command).toBe(`turnout leaks list ${pair.name}`);

  const rollback = await run('rollback', pair.name, '--wait');
  expect([rollback.exit, rollback.said]).toEqual([3, expect.stringMatching(/leaks: 1, needs 0/)]);
  const complete = await run('complete', pair.name, '--confirm', pair.name);
  expect([complete.exit, complete.said]).toEqual([3, expect.stringMatching(/^TRN5022/)]);

  // The way the remedy says: by hand on the closed side, which is no second leak.
  await withClient(pair.url('blue'), async (client) => {
    await client.query('begin read write');
    await client.query('select turnout.repair()');
    await client.query('delete from public.item where id = 1000');
    await client.query('commit');
  });
  const words = ['leaks', 'resolve', pair.name, leak!.id, '--reason', 'deleted on blue'];
  expect(await run(...words)).toMatchObject({ exit: 0 });
  expect(await leaks()).toEqual([]);
  // Whatever the repair might have left stands in the stream before the next leak.
  await writeRogue('blue', 1_001);
  await untilStatus(({ leaks: count }) => count === 1);
  expect(await leaks('?all=true')).toHaveLength(2);
  const [second] = await leaks();
  await withClient(pair.url('blue'), async (client) => {
    await client.query('begin read write');
    await client.query('select turnout.repair()');
    await client.query('delete from public.item where id = 1001');
    await client.query('commit');
  });
  const resolved = await api.call('POST', `/leaks/${second!.id}/resolve`, { reason: 'deleted' });
  expect(resolved.status, JSON.stringify(resolved.body)).toBe(200);
  await untilGate('leaks', true);
  expect(await api.check()).toMatchObject({ outcome: 'equal' });
});

test('D13: complete that is interrupted stays completing until both sides are clean', async () => {
  await coordinator.stop();
  const via = { blue: proxies.blue, green: proxies.green };
  const first = await pair.startCoordinator({ via });
  await first.untilPhase('on_green');
  await using locker = await openLocker('green');
  // Its answer waits for the end of it, which this coordinator does not live to see.
  const asked = first.call('POST', '/complete').catch(() => null);
  const waits = await first.until('', ({ waiting }) => waiting !== null);
  expect(waits).toMatchObject({ phase: 'completing' });
  expect((waits['waiting'] as { for: string }).for).toMatch(/green: .*item/);
  await first.kill();
  await asked;
  proxies.blue.cut();

  const second = await pair.startCoordinator({ via });
  const still = await second.until('', ({ waiting }) =>
    ((waiting as { for: string } | null)?.for ?? '').includes('blue: '),
  );
  expect(still).toMatchObject({
    phase: 'completing',
    next_steps: [{ command: `turnout cleanup ${pair.name}` }],
  });
  const again = await second.call('POST', '/cleanup');
  expect(again.body).toMatchObject({ code: 'TRN5027' });
  expect(JSON.stringify(again.body['observed'])).toContain('green: ');

  await locker.release();
  proxies.blue.heal();
  await second.untilPhase('completed');
  for (const side of ['blue', 'green'] as const) expect(await pair.traces(side)).toEqual([]);
});

interface Locker extends AsyncDisposable {
  release(): Promise<void>;
}

/** A reader that keeps a table, so that its trigger cannot go. */
async function openLocker(side: Side): Promise<Locker> {
  const session = await pair.open(side, { name: 'reader' });
  await session.query('begin');
  await session.query('select from public.item limit 1');
  const release = async (): Promise<void> => {
    await session.query('rollback').catch(() => undefined);
  };
  return { release, [Symbol.asyncDispose]: release };
}

test('D13: abort with a side gone stays aborting, and ends when it is back', async () => {
  await using other = await TestPair.create({ clusters, tables: TABLES });
  await withClient(other.url('blue'), (client) => client.query('insert into item values (1)'));
  const green = await other.proxy('green');
  await other.run(['replicator', 'lag-monitor', 'checker']);
  const first = await other.startCoordinator({ via: { green } });
  await first.makeReady();
  green.cut();
  const asked = await first.call('POST', '/abort');
  expect(asked).toMatchObject({ status: 202, body: { state: 'accepted' } });
  expect(String(asked.body['left'])).toMatch(/green: /);
  expect(await other.traces('blue')).toEqual([]);
  await first.kill();

  const second = await other.startCoordinator({ via: { green } });
  await second.until('', ({ waiting }) => waiting !== null);
  expect((await second.call('POST', '/cleanup')).body).toMatchObject({ code: 'TRN5027' });
  expect((await second.call('GET', '')).body).toMatchObject({ phase: 'aborting' });
  green.heal();
  await second.untilPhase('aborted');
  for (const side of ['blue', 'green'] as const) expect(await other.traces(side)).toEqual([]);
});
