import { expect, test } from 'vitest';
import { columnForms, keyTypesAgree } from './column-forms.js';
import { sideCatalog, type ListedTable } from './side-catalog.js';
import { buildUnits } from './units.js';

let oid = 0;

function table(name: string, more: Partial<ListedTable> = {}): ListedTable {
  oid += 1;
  return {
    oid,
    parentOid: null,
    unlogged: false,
    bytes: 0,
    schema: 'public',
    name,
    kind: 'table',
    identity: 'default',
    columns: [
      { name: 'id', typeName: 'bigint' },
      { name: 'a', typeName: 'text' },
    ],
    primaryKey: ['id'],
    identityKey: ['id'],
    estimatedRows: 10,
    ...more,
  };
}

function partitioned(leaves: string[]): ListedTable[] {
  const root = table('root', { kind: 'partitioned' });
  return [root, ...leaves.map((leaf) => table(leaf, { kind: 'partition', parentOid: root.oid }))];
}

test('columns are compared by name in one order, whatever their positions', () => {
  const target = table('t', {
    columns: [
      { name: 'a', typeName: 'text' },
      { name: 'extra', typeName: 'int' },
      { name: 'id', typeName: 'bigint' },
    ],
  });
  const { units, refusals } = buildUnits(sideCatalog([table('t')]), sideCatalog([target]));
  expect(refusals).toEqual([]);
  expect(units[0]!.columns).toEqual(['a', 'id']);
  expect(units[0]!.source.forms).toEqual(units[0]!.target.forms);
});

test('leaves are units where both trees agree, the root where they differ', () => {
  const same = buildUnits(
    sideCatalog(partitioned(['p1', 'p2'])),
    sideCatalog(partitioned(['p1', 'p2'])),
  );
  expect(same.units.map(({ name }) => name)).toEqual(['public.p1', 'public.p2']);
  const other = buildUnits(sideCatalog(partitioned(['p1', 'p2'])), sideCatalog([table('root')]));
  expect(other.units.map(({ name }) => name)).toEqual(['public.root']);
  expect(other.tracked.get('public.p1')).toMatchObject({ unit: 'public.root', keyColumns: ['id'] });
  expect(other.tracked.has('public.root')).toBe(false);
});

test('what cannot be compared is named with its reason, never left out silently', () => {
  const odd = table('odd', {
    columns: [
      { name: 'id', typeName: 'bigint' },
      { name: 'a', typeName: 'json' },
    ],
  });
  const { units, refusals } = buildUnits(
    sideCatalog([table('gone'), table('odd')]),
    sideCatalog([odd]),
  );
  expect(units).toEqual([]);
  expect(refusals).toEqual([
    { unit: 'public.gone', reason: 'the table does not exist on the target' },
    { unit: 'public.odd', reason: 'column a: text against json' },
  ]);
});

test('identity full without a primary key has no key; with one the primary key serves', () => {
  const keyless = table('k', { identity: 'full', identityKey: null, primaryKey: null });
  const keyed = table('l', { identity: 'full', identityKey: null });
  const catalog = sideCatalog([keyless, keyed]);
  expect(buildUnits(catalog, catalog).units.map(({ key }) => key)).toEqual([null, ['id']]);
});

test('a common form never narrows: what the target cut off has to show', () => {
  const forms = (source: string, target: string) =>
    columnForms({ name: 'c', typeName: source }, { name: 'c', typeName: target })?.target ?? null;
  expect(forms('"char"', '"char"')).toBe('ascii(t."c")');
  expect(forms('integer', 'bigint')).toBe('trim_scale(t."c"::numeric)');
  expect(forms('text', 'character varying(10)')).toBe('t."c"::text');
  expect(forms('timestamp without time zone', 'timestamp(0) without time zone')).toBe(
    't."c"::timestamp without time zone',
  );
  expect(forms('timestamp with time zone', 'timestamp without time zone')).toBeNull();
  expect(forms('character(4)', 'text')).toBeNull();
  expect(keyTypesAgree({ name: 'c', typeName: 'integer' }, { name: 'c', typeName: 'bigint' })).toBe(
    true,
  );
  expect(
    keyTypesAgree({ name: 'c', typeName: 'numeric(9,2)' }, { name: 'c', typeName: 'numeric' }),
  ).toBe(false);
});
