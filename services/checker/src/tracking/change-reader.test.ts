import { lsn } from '@turnout/core/lsn';
import { UNCHANGED, type Relation, type Row } from '@turnout/postgres/pgoutput/messages';
import { expect, test } from 'vitest';
import { ChangeReader } from './change-reader.js';
import type { TrackedTransaction } from './changed-keys.js';

function relation(schema: string, name: string, columns: string[], keys: string[]): Relation {
  return {
    oid: 1,
    schema,
    name,
    identity: 'default',
    columns: columns.map((column) => ({
      name: column,
      typeOid: 25,
      typeModifier: -1,
      key: keys.includes(column),
    })),
  };
}

const orders = relation('public', 'orders', ['note', 'id'], ['id']);
const marker = relation('turnout', 'marker', ['side', 'kind', 'token'], ['side', 'kind']);
const unknown = relation('public', 'unknown', ['x'], []);

function reader(transactionKeysMax = 100) {
  const taken: TrackedTransaction[] = [];
  const changes = new ChangeReader({
    startLsn: lsn(1n),
    side: 'blue',
    transactionKeysMax,
    lookup: (_schema, name) =>
      name === 'orders'
        ? { schema: 'public', name, unit: 'public.orders', keyColumns: ['id'] }
        : undefined,
    onTransaction: (transaction) => taken.push(transaction),
  });
  const transact = (at: bigint, work: () => void): void => {
    changes.onMessage({ kind: 'begin', finalLsn: lsn(at), xid: Number(at), committedAtUs: 0n });
    work();
    changes.onMessage({ kind: 'commit', finalLsn: lsn(at), endLsn: lsn(at + 8n) });
  };
  const insert = (into: Relation, row: Row): void =>
    changes.onMessage({ kind: 'insert', relation: into, row });
  return { changes, taken, transact, insert };
}

test('an update of a key changedKeys the old and the new one; TOAST gaps are filled from the old row', () => {
  const { changes, taken, transact } = reader();
  transact(10n, () =>
    changes.onMessage({
      kind: 'update',
      relation: orders,
      old: { form: 'key', row: [null, '1'] },
      row: ['n', '2'],
    }),
  );
  expect([...taken[0]!.changedKeys.get('public.orders')!.keys!]).toEqual(['["1"]', '["2"]']);
  transact(20n, () =>
    changes.onMessage({
      kind: 'update',
      relation: orders,
      old: { form: 'full', row: ['n', '3'] },
      row: ['m', UNCHANGED],
    }),
  );
  expect([...taken[1]!.changedKeys.get('public.orders')!.keys!]).toEqual(['["3"]']);
});

test('unknown tables, key-less rows and TRUNCATE changed the table as a whole', () => {
  const { changes, taken, transact, insert } = reader();
  transact(10n, () => insert(unknown, ['x']));
  expect(taken[0]!.changedKeys.get('public.unknown')).toEqual({ keys: null, truncated: false });
  transact(20n, () =>
    changes.onMessage({
      kind: 'truncate',
      relations: [orders],
      cascade: false,
      restartIdentity: false,
    }),
  );
  expect(taken[1]!.changedKeys.get('public.orders')).toEqual({ keys: null, truncated: true });
});

test('a transaction beyond its limit keeps its tables and forgets its keys', () => {
  const { taken, transact, insert } = reader(2);
  transact(10n, () => ['1', '2', '3'].forEach((id) => insert(orders, ['n', id])));
  expect(taken[0]!.changedKeys.get('public.orders')!.keys).toBeNull();
});

test('only a check marker of our own side answers, at its commit, and is no key', async () => {
  const { changes, taken, transact, insert } = reader();
  const seen = changes.expectMarker('token');
  let answered = false;
  void seen.then(() => (answered = true));
  transact(10n, () => {
    insert(marker, ['green', 'check', 'token']);
    insert(marker, ['blue', 'heartbeat', 'token']);
  });
  await Promise.resolve();
  expect(answered).toBe(false);
  transact(20n, () => insert(marker, ['blue', 'check', 'token']));
  await seen;
  expect(taken).toEqual([]);
  expect(changes.consumedLsn).toBe(28n);
});

test('waiters are rejected when the stream has ended', async () => {
  const { changes } = reader();
  const seen = changes.expectMarker('token');
  changes.fail(new Error('ended'));
  await expect(seen).rejects.toThrow('ended');
});
