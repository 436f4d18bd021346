import type { Session } from '../session.js';
import { isSelected, type TableSelection } from './table-patterns.js';
import { ALL_TABLES } from './tables.js';

export interface TableFingerprint {
  readonly schema: string;
  readonly name: string;
  /** One line each for kind, columns by name, constraints and indexes, sorted: fit for a diff. */
  readonly text: string;
  /** md5 of `text`. */
  readonly hash: string;
}

const QUERY = /* sql */ `
  with line as (
    select c.oid, 'table ' || c.relkind::text || ' identity ' || c.relreplident::text
        || coalesce(' partition of ' || (select inhparent::regclass::text || ' '
             || coalesce(pg_get_expr(c.relpartbound, c.oid), '')
           from pg_inherits where inhrelid = c.oid and c.relispartition), '') as text
      from pg_class c
    union all
    select a.attrelid, 'column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end
        || case when a.attgenerated <> '' then ' generated ' else '' end
        || case when a.attidentity <> '' then ' identity ' || a.attidentity::text else '' end
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
      from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attnum > 0 and not a.attisdropped
    union all
    select k.conrelid, 'constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
      from pg_constraint k where k.conrelid <> 0 and k.contype in ('p', 'u', 'f', 'c', 'x')
    union all
    select i.indrelid, 'index ' || pg_get_indexdef(i.indexrelid)
        || case when i.indisvalid then '' else ' invalid' end
      from pg_index i
    union all
    select t.tgrelid, 'trigger ' || pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
      from pg_trigger t where not t.tgisinternal and t.tgname <> 'turnout_guard'
  )
  select n.nspname as schema, c.relname as name,
    string_agg(line.text, e'\\n' order by line.text collate "C") as text,
    md5(string_agg(line.text, e'\\n' order by line.text collate "C")) as hash
  from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join line on line.oid = c.oid
  where c.relkind in ('r', 'p')
    and c.relpersistence <> 't'
    and n.nspname not in ('information_schema', 'turnout')
    and n.nspname !~ '^pg_'
  group by n.nspname, c.relname
  order by n.nspname, c.relname`;

/** What DDL can change about user tables, as text: a difference in time or between sides shows. */
export async function readFingerprints(
  session: Session,
  selection: TableSelection = ALL_TABLES,
): Promise<TableFingerprint[]> {
  const { rows } = await session.query<Record<string, string>>(QUERY);
  return rows
    .map((row) => ({
      schema: row['schema']!,
      name: row['name']!,
      text: row['text']!,
      hash: row['hash']!,
    }))
    .filter((table) => isSelected(table, selection));
}

/** Tables that were added, removed or changed between two readings. */
export function changedTables(
  before: readonly TableFingerprint[],
  after: readonly TableFingerprint[],
): string[] {
  const keyOf = ({ schema, name }: TableFingerprint): string => `${schema}.${name}`;
  const hashes = new Map(before.map((table) => [keyOf(table), table.hash]));
  const changed = after.filter((table) => hashes.get(keyOf(table)) !== table.hash).map(keyOf);
  const present = new Set(after.map(keyOf));
  return [...changed, ...before.map(keyOf).filter((key) => !present.has(key))].toSorted();
}
