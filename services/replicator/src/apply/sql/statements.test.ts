import { loadModule, parseSync } from 'libpg-query';
import { beforeAll, describe, expect, test } from 'vitest';
import { lsn } from '@turnout/core/lsn';
import { UNCHANGED, type Relation, type Row } from '@turnout/postgres/pgoutput/messages';
import { planTable, type TablePlan, type TargetShape } from '../plan/table-plan.js';
import { deleteRow, deleteRows } from './delete.js';
import { insertRow, insertRows } from './insert.js';
import { recordLeak } from './leak.js';
import { writeMarker } from './marker.js';
import { readPosition, writePosition } from './position.js';
import { advance, closeLarge, openLink, readProgress, takeLink } from './progress.js';
import { rekeyRow } from './rekey.js';
import { type BuiltStatement, textArray } from './statement.js';
import { targetTable } from './target-table.js';
import { truncateTables } from './truncate.js';
import { updateRow, updateRows } from './update.js';

beforeAll(() => loadModule());

function relation(identity: Relation['identity'] = 'default'): Relation {
  const column = (name: string, key: boolean) => ({ name, typeOid: 25, typeModifier: -1, key });
  return {
    oid: 1,
    schema: 'public',
    name: 'a "quoted" table',
    identity,
    columns: [
      column('id', true),
      column('select', identity === 'full'),
      column('doc', identity === 'full'),
    ],
  };
}

function shape(changes: Partial<TargetShape> = {}): TargetShape {
  const column = (name: string, typeName: string) => ({
    name,
    typeSchema: 'pg_catalog',
    typeName,
    baseType: typeName,
    composite: false,
    generated: false,
    identityAlways: false,
  });
  return {
    partitioned: false,
    replicaTriggers: false,
    exclusions: false,
    columns: [column('id', 'int4'), column('select', 'varchar'), column('doc', 'json')],
    uniques: [{ primary: true, plain: true, notNull: true, columns: ['id'] }],
    ...changes,
  };
}

/** The parser accepts it and every parameter that is used has a value, none left over. */
function wellFormed({ text, values }: BuiltStatement): void {
  expect(() => parseSync(text)).not.toThrow();
  const used = new Set([...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)));
  expect([...used].toSorted((a, b) => a - b)).toEqual(values.map((_, index) => index + 1));
}

const keyed = (): TablePlan => planTable(relation(), shape());
const keyless = (partitioned = false): TablePlan =>
  planTable(relation('full'), shape({ uniques: [], partitioned }));
const row: Row = ['1', null, UNCHANGED];
const full: Row = ['1', 'x', '{}'];

describe('every built statement parses and takes exactly its values', () => {
  const cases: readonly (readonly [string, () => BuiltStatement | null])[] = [
    ['insert', () => insertRow(keyed(), full)],
    ['insert of a run', () => insertRows(keyed(), [full, full])],
    ['insert without columns', () => insertRow({ ...keyed(), columns: [] }, [])],
    ['update', () => updateRow(keyed(), row, null)],
    ['update of a key', () => updateRow(keyed(), row, ['2', null, null])],
    ['update with nothing to set', () => updateRow(keyed(), ['1', UNCHANGED, UNCHANGED], null)],
    ['update of a run', () => updateRows(keyed(), [row, row])],
    ['update without a key', () => updateRow(keyless(), full, ['1', null, '{}'])],
    ['update without a key, partitioned', () => updateRow(keyless(true), full, full)],
    ['delete', () => deleteRow(keyed(), full)],
    ['delete of a run', () => deleteRows(keyed(), [full, full])],
    ['delete without a key', () => deleteRow(keyless(), [null, null, null])],
    ['rekey', () => rekeyRow(keyed(), row, ['2', null, null])],
    ['truncate', () => truncateTables([keyed(), keyless(true)], true)],
    ['target table', () => targetTable({ schema: 'public', name: 't' })],
    ['take', () => takeLink('forward')],
    ['read progress', () => readProgress('forward')],
    ['read position', () => readPosition('forward')],
    ['marker', () => writeMarker({ kind: 'insert', relation: relation(), row })],
    [
      'advance',
      () =>
        advance({
          link: 'forward',
          leaseEpoch: 1n,
          previous: lsn(1n),
          source: lsn(2n),
          end: lsn(3n),
          user: null,
        }),
    ],
    ['close large', () => closeLarge('forward', 1n, lsn(1n), lsn(2n))],
    [
      'open',
      () =>
        openLink({
          link: 'forward',
          leaseEpoch: 1n,
          switchEpoch: 2n,
          previous: lsn(1n),
          source: lsn(2n),
          end: lsn(3n),
        }),
    ],
    [
      'position',
      () => writePosition({ link: 'forward', leaseEpoch: 1n, source: lsn(1n), flushed: lsn(2n) }),
    ],
    [
      'leak',
      () =>
        recordLeak({
          link: 'forward',
          leaseEpoch: 1n,
          source: lsn(1n),
          finalLsn: lsn(2n),
          xid: 7,
          committedAtUs: 5n,
          tables: ['public.t'],
          changes: 1,
        }),
    ],
  ];
  test.each(cases)('%s', (_, build) => {
    const built = build();
    expect(built).not.toBeNull();
    if (built) wellFormed(built);
  });
});

test('a statement that changes rows is counted by the server', () => {
  for (const { text } of [
    insertRow(keyed(), full),
    updateRow(keyed(), row, null),
    deleteRow(keyed(), full),
    rekeyRow(keyed(), row, full),
  ]) {
    expect(text).toContain('turnout.expect(');
  }
});

test('an unchanged value is never written, a null one is', () => {
  const { text, values } = updateRow(keyed(), row, null);
  expect(text).not.toContain('"doc"');
  expect(values).toEqual([null, '1']);
});

test('a type without equality is compared by its text', () => {
  expect(deleteRow(keyless(), full).text).toContain(
    '"doc"::text = ($3::"pg_catalog"."json")::text',
  );
});

test('array literals tell NULL from the word and keep quotes and backslashes', () => {
  expect(textArray([null, 'NULL', '', 'a"b\\c', '{,}'])).toBe(
    '{NULL,"NULL","","a\\"b\\\\c","{,}"}',
  );
});
