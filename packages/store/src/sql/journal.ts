import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

export type JournalColumns = TextRow<
  'pair' | 'revision' | 'at' | 'type' | 'actor' | 'accepted' | 'data'
>;

export interface JournalRow {
  readonly pair: string;
  readonly revision: number;
  readonly type: string;
  readonly actor: string;
  readonly accepted: boolean;
  /** JSON text. */
  readonly data: string;
}

export function insertEntry(row: JournalRow): NamedStatement {
  return {
    name: 'store_journal_insert',
    text: /* sql */ `
      insert into turnout_control.journal (pair, revision, type, actor, accepted, data)
      values ($1, $2, $3, $4, $5, $6::jsonb)`,
    values: [row.pair, row.revision, row.type, row.actor, row.accepted, row.data],
  };
}

export function readEntries(pair: string, afterRevision: number, limit: number): NamedStatement {
  return {
    name: 'store_journal_read',
    text: /* sql */ `
      select pair, revision, at, type, actor, accepted, data
        from turnout_control.journal
       where pair = $1 and revision > $2
       order by revision
       limit $3`,
    values: [pair, afterRevision, limit],
  };
}
