import { expect, test } from 'vitest';
import type { Change, Relation } from '@turnout/postgres/pgoutput/messages';
import { kindAfter, type ItemKind } from './classify.js';

function relation(schema: string, name: string): Relation {
  return { oid: 1, schema, name, identity: 'default', columns: [] };
}
const insert = (schema: string, name: string): Change => ({
  kind: 'insert',
  relation: relation(schema, name),
  row: [],
});
const progress = insert('turnout', 'progress');
const marker = insert('turnout', 'marker');
const user = insert('public', 'orders');

function kindOf(...changes: Change[]): ItemKind {
  return changes.reduce<ItemKind>((kind, change) => kindAfter(kind, change, 1), 'empty');
}

test.each<[string, Change[], ItemKind]>([
  ['no change', [], 'empty'],
  ['a progress row first', [progress], 'ours'],
  ['a progress row first, then user rows and another', [progress, user, progress], 'ours'],
  ['a marker', [marker, marker], 'turnout'],
  ['a marker and a user row', [marker, user], 'user'],
  ['a user row and a marker', [user, marker], 'user'],
])('%s', (_, changes, kind) => {
  expect(kindOf(...changes)).toBe(kind);
});

test.each<[string, Change[]]>([
  ['behind a user row', [user, progress]],
  ['behind a marker', [marker, progress]],
  [
    'truncated',
    [
      {
        kind: 'truncate',
        relations: [relation('turnout', 'progress')],
        cascade: false,
        restartIdentity: false,
      },
    ],
  ],
])('a progress row %s stops the link', (_, changes) => {
  expect(() => kindOf(...changes)).toThrow(expect.objectContaining({ code: 'TRN3011' }));
});
