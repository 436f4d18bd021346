import { deferred } from '@turnout/core/waiting';
import { openSession } from '@turnout/postgres/session';
import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database } from './database.js';
import { openPool } from '@turnout/postgres/pool';
import { migrate } from './migration-run.js';
import { openStore, type Store } from './store.js';

let cluster: Cluster;
let store: Store;
let url: string;
const applicationName = 'turnout/0/store/test';

beforeAll(async () => {
  cluster = await startCluster({ version: '13', name: 'store' });
  url = await cluster.createDatabase('control');
  store = await openStore({ endpoint: { url }, applicationName });
  await store.migrate();
});

afterAll(async () => {
  await store?.close();
  await cluster?.[Symbol.asyncDispose]();
});

describe('migrations', () => {
  test('installing again, also twice at once, changes nothing', async () => {
    const again = await Promise.allSettled([store.migrate(), store.migrate()]);
    expect(again.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  });

  test('a newer store and a changed file are refused', async () => {
    const database = new Database(openPool({ endpoint: { url }, applicationName }));
    await expect(migrate(database, [])).rejects.toMatchObject({ code: 'TRN6003' });
    const changed = [
      { id: 1, name: '0001_objects', checksum: 'other', text: '' },
      { id: 2, name: '0002_bus', checksum: 'other', text: '' },
    ];
    await expect(migrate(database, changed)).rejects.toMatchObject({ code: 'TRN6006' });
    await database.end();
  });

  test('a store that is not there is TRN6001', async () => {
    const endpoint = { url: 'postgres://nobody@127.0.0.1:1/none' };
    await expect(openStore({ endpoint, applicationName })).rejects.toMatchObject({
      code: 'TRN6001',
    });
  });
});

describe('journal', () => {
  test('revisions are gapless under concurrent writers and the pair moves with them', async () => {
    await store.pairs.ensure('shop');
    await store.pairs.ensure('shop');
    const entry = { type: 'noted', data: { n: 1 }, actor: 'test', accepted: false };
    await Promise.all(Array.from({ length: 10 }, () => store.journal.append('shop', entry)));
    const pair = await store.journal.transition('shop', {
      expectRevision: 10,
      phase: 'preflight',
      writableSide: 'green',
      conditions: [{ condition: 'paused', since: '2026-01-01T00:00:00Z', reason: 'asked' }],
      type: 'phase_changed',
      data: {},
      actor: 'test',
    });
    expect(pair).toMatchObject({ phase: 'preflight', writableSide: 'green', revision: 11 });
    expect(Date.parse(pair.updatedAt)).toBeGreaterThan(0);
    const entries = await store.journal.read('shop', { afterRevision: 8, limit: 5 });
    expect(entries.map(({ revision }) => revision)).toEqual([9, 10, 11]);
    expect(entries[2]).toMatchObject({ accepted: true, type: 'phase_changed', actor: 'test' });
    expect(await store.pairs.list()).toHaveLength(1);
  });

  test('a transition that expects a past revision changes nothing', async () => {
    const stale = { expectRevision: 3, phase: 'ready', type: 'x', data: {}, actor: 'test' };
    await expect(store.journal.transition('shop', stale)).rejects.toMatchObject({
      code: 'TRN5005',
    });
    expect(await store.pairs.get('shop')).toMatchObject({ phase: 'preflight', revision: 11 });
    await expect(
      store.journal.append('none', { type: 'x', data: {}, actor: 't', accepted: true }),
    ).rejects.toMatchObject({ code: 'TRN5001' });
  });
});

describe('leases', () => {
  test('one holder at a time; the epoch grows with each taking and survives a release', async () => {
    expect(await store.leases.acquire('pair/shop', 'a', 60_000)).toEqual({ epoch: 1n });
    expect(await store.leases.acquire('pair/shop', 'b', 60_000)).toMatchObject({ heldBy: 'a' });
    expect(await store.leases.renew('pair/shop', 'a', 1n, 60_000)).toBe(true);
    expect(await store.leases.renew('pair/shop', 'b', 1n, 60_000)).toBe(false);
    await store.leases.release('pair/shop', 'a', 1n);
    expect(await store.leases.acquire('pair/shop', 'b', 0)).toEqual({ epoch: 2n });
    // Expired at once by the server's clock: the next one takes over and the old holder is told.
    expect(await store.leases.acquire('pair/shop', 'a', 60_000)).toEqual({ epoch: 3n });
    expect(await store.leases.renew('pair/shop', 'b', 2n, 60_000)).toBe(false);
  });
});

describe('notes', () => {
  test('what a pair waits for and the servers seen stand beside the journal', async () => {
    const { revision } = (await store.pairs.get('shop'))!;
    const waiting = {
      for: 'link',
      since: '2030-01-01T00:00:00Z',
      holder: null,
      remedy: 'start it',
    };
    const identity = { system_identifier: '7', timeline: '00000001', since: 'x', changed: false };
    expect(await store.notes.get('shop')).toEqual({ waiting: null, identities: {} });
    await store.notes.setWaiting('shop', waiting);
    await store.notes.setIdentity('shop', 'blue', identity);
    await store.notes.setIdentity('shop', 'green', { ...identity, changed: true });
    expect(await store.notes.get('shop')).toMatchObject({
      waiting,
      identities: { blue: { changed: false }, green: { changed: true } },
    });
    await store.notes.forget('shop');
    expect(await store.notes.get('shop')).toEqual({ waiting: null, identities: {} });
    expect((await store.pairs.get('shop'))!.revision).toBe(revision);
  });

  test('a lease shows who holds it, and since when nobody does', async () => {
    await store.leases.acquire('link/shop/forward', 'one', 60_000);
    const gone = await store.leases.acquire('checker/shop', 'two', 60_000);
    if ('epoch' in gone) await store.leases.release('checker/shop', 'two', gone.epoch);
    const found = await store.leases.list(['link/shop/forward', 'checker/shop', 'never/taken']);
    expect(found.toSorted((a, b) => a.name.localeCompare(b.name))).toMatchObject([
      { name: 'checker/shop', holder: null },
      { name: 'link/shop/forward', holder: 'one' },
    ]);
  });
});

describe('links', () => {
  const observed = {
    state: 'streaming',
    receivedLsn: '0/1',
    appliedLsn: null,
    durableLsn: null,
    open: true,
    copy: null,
    transactionsApplied: 1,
    rowsApplied: 2,
    slot: null,
    markerSeen: null,
  } as const;

  test('every wish has a generation of its own, the same wish asked again included', async () => {
    await store.links.ensure('shop', 'forward');
    await store.links.setDesired('shop', 'forward', 'copying');
    await store.links.setDesired('shop', 'forward', 'copying');
    await store.links.report('shop', 'forward', observed);
    const link = await store.links.get('shop', 'forward');
    expect(link).toMatchObject({ desired: 'copying', generation: 2n, observed });
    expect(await store.links.get('shop', 'reverse')).toBeNull();
  });

  test('what is desired wakes listeners, positions alone do not, and a lost listener comes back', async () => {
    const seen: string[] = [];
    let next = deferred<string>();
    const unlisten = await store.listen((topic, pair, detail) => {
      seen.push(`${topic} ${pair} ${detail}`);
      next.resolve(seen.at(-1)!);
    });
    await store.links.report('shop', 'forward', { ...observed, receivedLsn: '0/2' });
    await store.links.setDesired('shop', 'forward', 'streaming');
    expect(await next.promise).toBe('links shop forward desired');

    const admin = await openSession({ endpoint: { url }, applicationName: 'admin' });
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen turnout_control'`,
    );
    next = deferred<string>();
    const asking = setInterval(() => void store.checks.request('shop', 'full'), 100);
    expect(await next.promise).toMatch(/^checks shop chk_\S+ requested$/);
    clearInterval(asking);
    await unlisten();
    await admin.end();
  });
});

test('whoever listens while the last listener leaves is heard', async () => {
  const leave = await store.listen(() => undefined);
  const heard = deferred<string>();
  const leaving = leave();
  const unlisten = await store.listen((topic) => heard.resolve(topic));
  await leaving;
  await store.checks.request('shop', 'full');
  expect(await heard.promise).toBe('checks');
  await unlisten();
});

describe('tracking, lag, idempotency, relay', () => {
  test('tracking keeps desired and observed apart', async () => {
    await store.tracking.setDesired('shop', 'blue', true);
    const observed = { dirty: 3, lastRoundAt: null, horizonLsn: '0/9', baseCheckId: null };
    await store.tracking.report('shop', 'blue', observed);
    expect(await store.tracking.get('shop', 'blue')).toMatchObject({ desired: 'on', observed });
    expect(await store.tracking.list()).toHaveLength(1);
  });

  test('lag keeps unknown as null and drops samples older than ten minutes', async () => {
    const at = (minute: number): string => `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`;
    const sample = { lagBytes: null, lagMs: 1.5, source: 'bus' } as const;
    for (const minute of [0, 5, 20]) {
      await store.lag.put('shop', 'forward', { ...sample, measuredAt: at(minute) });
    }
    expect(await store.lag.get('shop', 'forward')).toEqual({ ...sample, measuredAt: at(20) });
    expect(await store.lag.recent('shop', 'forward')).toHaveLength(1);
    expect(await store.lag.get('shop', 'reverse')).toBeNull();
  });

  test('a key acts once, refuses another request, and is taken over from a dead process', async () => {
    const { idempotency } = store;
    expect(await idempotency.begin('k', 'f')).toEqual({ state: 'new' });
    expect(await idempotency.begin('k', 'f')).toEqual({ state: 'running' });
    expect(await idempotency.begin('k', 'g')).toEqual({ state: 'mismatch' });
    expect(await idempotency.begin('k', 'f', 0)).toEqual({ state: 'new' });
    await idempotency.complete('k', { id: 1 });
    expect(await idempotency.begin('k', 'f')).toEqual({ state: 'done', response: { id: 1 } });
    await idempotency.begin('l', 'f');
    await idempotency.abandon('l');
    expect(await idempotency.begin('l', 'f')).toEqual({ state: 'new' });
  });

  test('the relay position never moves back', async () => {
    expect(await store.relay.position('shop', 'events')).toBe(0);
    await store.relay.advance('shop', 'events', 7);
    await store.relay.advance('shop', 'events', 5);
    expect(await store.relay.position('shop', 'events')).toBe(7);
  });
});
