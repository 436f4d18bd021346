import { expect, test } from 'vitest';
import type { Change, Relation, Row } from '@turnout/postgres/pgoutput/messages';
import { Batching, type Lane } from './batching.js';
import { planTable, type TablePlan, type TargetShape } from './plan/table-plan.js';

function relation(name: string): Relation {
  const column = (of: string, key: boolean) => ({ name: of, typeOid: 25, typeModifier: -1, key });
  return {
    oid: 1,
    schema: 'public',
    name,
    identity: 'default',
    columns: [column('id', true), column('v', false)],
  };
}

const column = (name: string) => ({
  name,
  typeSchema: 'pg_catalog',
  typeName: 'text',
  baseType: 'text',
  composite: false,
  generated: false,
  identityAlways: false,
});
const SHAPE: TargetShape = {
  partitioned: false,
  replicaTriggers: false,
  exclusions: false,
  columns: [column('id'), column('v')],
  uniques: [{ primary: true, plain: true, notNull: true, columns: ['id'] }],
};

const orders = relation('orders');
const users = relation('users');
const coded = relation('coded');
const secondary = { primary: false, plain: true, notNull: false, columns: ['v'] };
const PLANS = new Map<Relation, TablePlan>([
  [orders, planTable(orders, SHAPE)],
  [users, planTable(users, SHAPE)],
  [coded, planTable(coded, { ...SHAPE, uniques: [...SHAPE.uniques, secondary] })],
]);

const insert = (of: Relation, id: string): Change => ({
  kind: 'insert',
  relation: of,
  row: [id, 'v'],
});
const update = (of: Relation, id: string, oldId?: string): Change => ({
  kind: 'update',
  relation: of,
  row: [id, 'w'],
  old: oldId === undefined ? null : { form: 'key', row: [oldId, null] as Row },
});
const remove = (of: Relation, id: string): Change => ({
  kind: 'delete',
  relation: of,
  old: { form: 'key', row: [id, null] },
});
const truncate = (...relations: Relation[]): Change => ({
  kind: 'truncate',
  relations,
  cascade: true,
  restartIdentity: false,
});

/** Each statement as its table, verb and whether it is a batch. */
function statements(changes: readonly Change[], lane: Lane = 'batched'): string[] {
  const batching = new Batching((of) => PLANS.get(of)!, lane);
  for (const change of changes) batching.add(change);
  return batching.take().map(({ table, text, values }) => {
    const verb = /(insert into|update|delete from|truncate)/.exec(text)?.[1]?.split(' ')[0];
    const rows = text.includes('unnest') ? ` x${values.at(-1)}` : '';
    return `${table.replace('public.', '')} ${verb}${rows}`;
  });
}

test('rows of two tables that come by turns become one statement each', () => {
  const changes = ['1', '2', '3'].flatMap((id) => [insert(orders, id), insert(users, id)]);
  expect(statements(changes)).toEqual(['orders insert x3', 'users insert x3']);
});

test('in the ordered lane every change stands alone, in the order of the source', () => {
  const changes = [insert(orders, '1'), update(users, '1'), insert(orders, '2')];
  expect(statements(changes, 'ordered')).toEqual([
    'orders insert',
    'users update',
    'orders insert',
  ]);
});

test('a key that comes twice closes the run: one statement would apply only one of both', () => {
  const changes = [update(orders, '1'), update(orders, '2'), update(orders, '1')];
  expect(statements(changes)).toEqual(['orders update x2', 'orders update']);
});

test('a changed key is applied alone, between what came before and after it', () => {
  const changes = [
    update(orders, '1'),
    update(orders, '2'),
    update(orders, '9', '3'),
    update(orders, '3'),
  ];
  expect(statements(changes)).toEqual(['orders update x2', 'orders update', 'orders update']);
});

test('a second unique index keeps updates and deletes in the order of the source', () => {
  const changes = [update(coded, '1'), update(coded, '2'), remove(coded, '1'), remove(coded, '2')];
  expect(statements(changes)).toEqual([
    'coded update',
    'coded update',
    'coded delete',
    'coded delete',
  ]);
});

test('a row that is deleted and inserted again is not reordered', () => {
  const changes = [
    remove(orders, '1'),
    remove(orders, '2'),
    insert(orders, '1'),
    remove(orders, '1'),
  ];
  expect(statements(changes)).toEqual(['orders delete x2', 'orders insert', 'orders delete']);
});

test('TRUNCATE is a barrier for all tables and never cascades', () => {
  const changes = [
    insert(orders, '1'),
    insert(users, '1'),
    truncate(orders, users),
    insert(users, '1'),
  ];
  const batching = new Batching((of) => PLANS.get(of)!, 'batched');
  for (const change of changes) batching.add(change);
  const texts = batching.take().map(({ text }) => text);
  expect(statements(changes)).toEqual([
    'orders insert',
    'users insert',
    'orders truncate',
    'users insert',
  ]);
  expect(texts[2]).toBe('truncate table only "public"."orders", only "public"."users"');
});
