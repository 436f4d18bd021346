import { fail } from '@turnout/contracts/errors';
import type { Change, Relation } from '@turnout/postgres/pgoutput/messages';

/**
 * What a source transaction is to a link. `ours`: written by the opposite link, a copy worker or a
 * repair, which all change `turnout.progress` first. `turnout`: markers and the like, applied even
 * by a closed link. `user`: anything else.
 */
export const ITEM_KINDS = ['empty', 'ours', 'turnout', 'user'] as const;
export type ItemKind = (typeof ITEM_KINDS)[number];

export const TURNOUT_SCHEMA = 'turnout';

export function isProgress({ schema, name }: Relation): boolean {
  return schema === TURNOUT_SCHEMA && name === 'progress';
}

export function isMarker({ schema, name }: Relation): boolean {
  return schema === TURNOUT_SCHEMA && name === 'marker';
}

export function relationsOf(change: Change): readonly Relation[] {
  return change.kind === 'truncate' ? change.relations : [change.relation];
}

/**
 * The kind of a transaction after one more of its changes. Only the first change decides whether it
 * is ours: "contains a progress row" could not be decided while a large transaction streams.
 * @throws TRN3011 when a progress row changes in a transaction that did not begin with one
 */
export function kindAfter(kind: ItemKind, change: Change, xid: number): ItemKind {
  if (kind === 'ours') return 'ours';
  const relations = relationsOf(change);
  if (relations.some(isProgress)) {
    if (kind === 'empty' && change.kind !== 'truncate') return 'ours';
    throw fail('progress_in_user_transaction', { xid, change: change.kind });
  }
  if (kind === 'user' || relations.some(({ schema }) => schema !== TURNOUT_SCHEMA)) return 'user';
  return 'turnout';
}
