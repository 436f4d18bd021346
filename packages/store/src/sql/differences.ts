import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

export type DifferenceColumns = TextRow<
  'check_id' | 'table_name' | 'key' | 'kind' | 'columns' | 'found_at',
  'source_digest' | 'target_digest' | 'resolved_at' | 'resolution'
>;

/** `rows` is a JSON array of objects with the columns' names. */
export function insertDifferences(checkId: string, rows: string): NamedStatement {
  return {
    name: 'store_differences_insert',
    text: /* sql */ `
      insert into turnout_control.difference
        (check_id, pair, table_name, key, kind, source_digest, target_digest, columns)
      select c.id, c.pair, r.table_name, r.key, r.kind, r.source_digest, r.target_digest, r.columns
        from turnout_control.check_run as c
       cross join jsonb_to_recordset($2::jsonb) as r (
         table_name text, key text, kind text, source_digest text, target_digest text,
         columns jsonb)
       where c.id = $1
      on conflict do nothing`,
    values: [checkId, rows],
  };
}

/** A row that several checks found different is one open difference. */
export function countOpen(pair: string): NamedStatement {
  return {
    name: 'store_differences_count',
    text: /* sql */ `
      select count(distinct (table_name, key)) as open
        from turnout_control.difference
       where pair = $1 and resolved_at is null`,
    values: [pair],
  };
}

/** Resolves the open differences of `tables` (a JSON array of names), or of `keys` in them. */
export function resolveDifferences(
  pair: string,
  tables: string,
  keys: string | null,
  resolution: string,
): NamedStatement {
  return {
    name: 'store_differences_resolve',
    text: /* sql */ `
      update turnout_control.difference
         set resolved_at = clock_timestamp(), resolution = $4
       where pair = $1 and resolved_at is null
         and table_name in (select jsonb_array_elements_text($2::jsonb))
         and ($3::jsonb is null or key in (select jsonb_array_elements_text($3::jsonb)))`,
    values: [pair, tables, keys, resolution],
  };
}

export function readDifferences(checkId: string, limit: number): NamedStatement {
  return {
    name: 'store_differences_read',
    text: /* sql */ `
      select check_id, table_name, key, kind, source_digest, target_digest, columns, found_at,
             resolved_at, resolution
        from turnout_control.difference
       where check_id = $1
       order by table_name, key
       limit $2`,
    values: [checkId, limit],
  };
}
