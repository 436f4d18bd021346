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
    await store.switchovers.recordIntent(id, { fence_lsn: '0/1' });
    const done = await store.switchovers.update(id, {
      outcome: 'committed',
      windowMs: 51.5,
      steps: [{ id: 'acquire', outcome: 'done', startedAt: null, ms: 1, detail: null }],
    });
    expect(done).toMatchObject({ windowMs: 51.5, clientStallMs: null, requestReason: 'r' });
    expect(done.certificate).toEqual({ fence_lsn: '0/1' });
    expect(done.finishedAt).not.toBeNull();
    expect(await store.switchovers.running('shop')).toBeNull();
    expect((await store.switchovers.last('shop'))?.id).toBe(id);
    await expect(store.switchovers.recordIntent(id, {})).rejects.toMatchObject({ code: 'TRN5017' });
    await expect(store.switchovers.update('none', {})).rejects.toMatchObject({ code: 'TRN5017' });
  });
});
