import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from './store.js';

let cluster: Cluster;
let store: Store;

beforeAll(async () => {
  cluster = await startCluster({ version: '15', name: 'store-work' });
  const url = await cluster.createDatabase('control');
  store = await openStore({ endpoint: { url }, applicationName: 'turnout/0/store/test' });
  await store.migrate();
});

afterAll(async () => {
  await store?.close();
  await cluster?.[Symbol.asyncDispose]();
});

const end = (table: string, differences: number) => ({
  outcome: differences === 0 ? ('equal' as const) : ('different' as const),
  tables: [{ table, rowsCompared: 10, differences, ms: 5 }],
  rowsCompared: 10,
  differences,
  seconds: 0.1,
});

describe('checks', () => {
  test('a check is claimed by one, final ones first, and a dead claim is taken over', async () => {
    const full = await store.checks.request('shop', 'full', { tables: ['a'] });
    const final = await store.checks.request('shop', 'final');
    const claims = await Promise.all(
      ['x', 'y', 'z'].map((holder) => store.checks.claim('shop', holder)),
    );
    expect(claims.flatMap((claim) => claim?.id ?? []).toSorted()).toEqual([full, final].toSorted());
    expect(await store.checks.claim('shop', 'w')).toBeNull();
    expect((await store.checks.claim('shop', 'w', 0))?.kind).toBe('final');
    await store.checks.progress(full, { rowsCompared: 4 });
    expect(await store.checks.get(full)).toMatchObject({
      rowsCompared: 4,
      outcome: 'running',
      params: { tables: ['a'] },
    });
    await store.checks.finish(full, end('public.a', 0));
    await store.checks.finish(full, end('public.a', 9));
    expect(await store.checks.last('shop', 'full')).toMatchObject({ id: full, outcome: 'equal' });
    await store.checks.finish(final, { ...end('public.a', 0), outcome: 'could_not_verify' });
    expect(await store.checks.list('shop')).toHaveLength(2);
  });

  test('a difference stays open until a check of its table finds it equal', async () => {
    const row = {
      key: '{"id":1}',
      kind: 'changed',
      sourceDigest: 'a',
      targetDigest: 'b',
      columns: ['name'],
    } as const;
    const check = async (table: string, differences: number): Promise<string> => {
      const id = await store.checks.request('shop', 'full');
      if (differences > 0) await store.checks.recordDifferences(id, [{ ...row, table }]);
      await store.checks.finish(id, end(table, differences));
      return id;
    };
    await check('public.b', 1);
    const second = await check('public.b', 1);
    expect(await store.checks.openDifferences('shop')).toBe(1);
    expect(await store.checks.differences.list(second)).toMatchObject([
      { ...row, resolvedAt: null },
    ]);
    await check('public.a', 0);
    expect(await store.checks.openDifferences('shop')).toBe(1);
    await check('public.b', 0);
    expect(await store.checks.openDifferences('shop')).toBe(0);
  });
});

describe('switchovers', () => {
  test('one runs at a time, whoever asks', async () => {
    const request = { pair: 'shop', to: 'green', actor: 'test', reason: 'r' } as const;
    const both = await Promise.allSettled([
      store.switchovers.create(request),
      store.switchovers.create(request),
    ]);
    const refused = both.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'TRN5004' });
    const { id } = (await store.switchovers.running('shop'))!;
    const done = await store.switchovers.update(id, {
      outcome: 'committed',
      certificate: { fence_lsn: '0/1' },
      windowMs: 51.5,
      steps: [{ id: 'acquire', outcome: 'done', startedAt: null, ms: 1, detail: null }],
    });
    expect(done).toMatchObject({ windowMs: 51.5, clientStallMs: null, requestReason: 'r' });
    expect(done.certificate).toEqual({ fence_lsn: '0/1' });
    expect(done.finishedAt).not.toBeNull();
    expect(await store.switchovers.running('shop')).toBeNull();
    expect((await store.switchovers.last('shop'))?.id).toBe(id);
    await expect(store.switchovers.update('none', {})).rejects.toMatchObject({ code: 'TRN5017' });
  });

  test('an attempt is begun by one leader, and neither after a cancel nor too late', async () => {
    const { id } = await store.switchovers.create({ pair: 'shop', to: 'blue', actor: 'test' });
    const attempt = { attempt: 0, withinMs: 60_000 };
    const begun = await Promise.all(
      ['a', 'b'].map((holder) => store.switchovers.begin(id, { ...attempt, holder })),
    );
    expect(begun.filter((row) => row !== null)).toMatchObject([{ attempts: 1 }]);
    const next = { holder: 'a', attempt: 1 };
    expect(await store.switchovers.begin(id, { ...next, withinMs: 0 })).toBeNull();
    expect(await store.switchovers.requestCancel('shop', 'ann')).toMatchObject({ id });
    expect(await store.switchovers.begin(id, { ...next, withinMs: 60_000 })).toBeNull();
    await store.switchovers.update(id, { outcome: 'undone' });
    expect(await store.switchovers.requestCancel('shop', 'ann')).toBeNull();
  });

  test('who took a switch up speaks for it: who began it changes nothing any more', async () => {
    await store.pairs.ensure('shop');
    const { id } = await store.switchovers.create({ pair: 'shop', to: 'blue', actor: 'test' });
    await store.switchovers.begin(id, { holder: 'a', attempt: 0, withinMs: 60_000 });
    const entry = { type: 'told', data: {}, actor: 'test', accepted: true };
    const by = (holder: string) => ({ ...entry, runner: { switchover: id, holder } });
    await store.journal.append('shop', by('a'));
    await store.switchovers.update(id, { reason: 'a' }, { holder: 'a' });
    await store.switchovers.takeUp(id, 'b');
    const revision = (await store.pairs.get('shop'))?.revision;
    const superseded = { code: 'TRN5015' };
    await expect(store.journal.append('shop', by('a'))).rejects.toMatchObject(superseded);
    await expect(store.journal.transition('shop', by('a'))).rejects.toMatchObject(superseded);
    const late = store.switchovers.update(id, { outcome: 'undone' }, { holder: 'a' });
    await expect(late).rejects.toMatchObject(superseded);
    expect((await store.pairs.get('shop'))?.revision).toBe(revision);
    expect(await store.switchovers.get(id)).toMatchObject({ outcome: 'running', reason: 'a' });
    await store.switchovers.update(id, { outcome: 'undone' }, { holder: 'b' });
    await store.switchovers.takeUp(id, 'c');
    expect(await store.switchovers.get(id)).toMatchObject({ outcome: 'undone', begunBy: 'b' });
  });
});

describe('requests', () => {
  test('a request is taken once, and not at all when nobody took it in time', async () => {
    await store.pairs.ensure('shop');
    const id = await store.requests.create('shop', {
      kind: 'force_open',
      actor: 'ann',
      params: { side: 'blue' },
    });
    expect(await store.requests.take('shop', 0)).toBeNull();
    const taken = await Promise.all([1, 2].map(() => store.requests.take('shop', 60_000)));
    expect(taken.filter((row) => row !== null)).toMatchObject([{ id, params: { side: 'blue' } }]);
    await store.requests.finish(id, { code: 'TRN5012', facts: { side: 'blue' } });
    await store.requests.finish(id, null);
    expect(await store.requests.get(id)).toMatchObject({ outcome: 'refused', code: 'TRN5012' });
  });
});
