import { quoteTable } from '../identifiers.js';
import type { Session } from '../session.js';
import { isSelected, type TableSelection } from './table-patterns.js';

export interface Column {
  readonly name: string;
  /** With modifier, and with schema where it is not the server's own. */
  readonly typeName: string;
  readonly typeOid: number;
  readonly notNull: boolean;
  readonly generated: boolean;
  readonly identity: '' | 'always' | 'by_default';
  /** False where equal values may have different texts (a nondeterministic collation). */
  readonly deterministic: boolean;
  readonly position: number;
}

export interface UniqueIndex {
  readonly name: string;
  /** Key columns in order; expressions are left out, see `expression`. */
  readonly columns: readonly string[];
  readonly deferrable: boolean;
  readonly predicate: boolean;
  readonly expression: boolean;
}

export interface Table {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** A partition that is partitioned itself is `partitioned`. */
  readonly kind: 'table' | 'partitioned' | 'partition';
  /** The partitioned table this is a partition of. */
  readonly parentOid: number | null;
  readonly unlogged: boolean;
  readonly identity: 'default' | 'nothing' | 'full' | 'index';
  readonly columns: readonly Column[];
  readonly primaryKey: readonly string[] | null;
  readonly primaryKeyDeferrable: boolean;
  /** What an update or delete in the stream is known by; null for identity `full` and `nothing`. */
  readonly identityKey: readonly string[] | null;
  /** Unique indexes besides the primary key, the one of the replica identity included. */
  readonly uniqueIndexes: readonly UniqueIndex[];
  readonly exclusionConstraints: number;
  /** 0 while the table was never analysed. */
  readonly estimatedRows: number;
  /** With indexes and TOAST; a partitioned root has none of its own. */
  readonly bytes: number;
  /** Triggers that fire in replica role. */
  readonly triggersAlways: readonly string[];
}

interface IndexRow extends UniqueIndex {
  readonly primary: boolean;
  readonly replica: boolean;
  readonly exclusion: boolean;
}

const IDENTITIES = { d: 'default', n: 'nothing', f: 'full', i: 'index' } as const;

const QUERY = /* sql */ `
  select c.oid, n.nspname as schema, c.relname as name,
    case when c.relkind = 'p' then 'partitioned'
      when c.relispartition then 'partition' else 'table' end as kind,
    (select inhparent from pg_inherits where inhrelid = c.oid and c.relispartition) as parent_oid,
    c.relpersistence = 'u' as unlogged,
    c.relreplident as identity,
    greatest(c.reltuples, 0)::int8 as estimated_rows,
    pg_total_relation_size(c.oid) as bytes,
    (select coalesce(json_agg(json_build_object(
        'name', a.attname,
        'typeName', format_type(a.atttypid, a.atttypmod),
        'typeOid', a.atttypid::int8,
        'notNull', a.attnotnull,
        'generated', a.attgenerated <> '',
        'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by_default' else '' end,
        'deterministic', coalesce(l.collisdeterministic, true),
        'position', a.attnum) order by a.attnum), '[]')
      from pg_attribute a left join pg_collation l on l.oid = a.attcollation
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select coalesce(json_agg(json_build_object(
        'name', x.relname,
        'columns', (select coalesce(json_agg(a.attname order by k.place), '[]')
          from unnest(i.indkey::int2[]) with ordinality k(attnum, place)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
          where k.place <= i.indnkeyatts),
        'deferrable', not i.indimmediate,
        'predicate', i.indpred is not null,
        'expression', i.indexprs is not null,
        'primary', i.indisprimary,
        'replica', i.indisreplident,
        'exclusion', i.indisexclusion) order by x.relname), '[]')
      from pg_index i join pg_class x on x.oid = i.indexrelid
      where i.indrelid = c.oid and (i.indisunique or i.indisexclusion) and i.indislive) as indexes,
    (select coalesce(json_agg(t.tgname order by t.tgname), '[]')
      from pg_trigger t
      where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('A', 'R')) as triggers_always
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and c.relpersistence <> 't'
    and n.nspname not in ('information_schema', 'turnout')
    and n.nspname !~ '^pg_'
  order by n.nspname, c.relname`;

function identityKeyOf(
  identity: Table['identity'],
  indexes: readonly IndexRow[],
): readonly string[] | null {
  if (identity === 'default') return indexes.find((index) => index.primary)?.columns ?? null;
  if (identity === 'index') return indexes.find((index) => index.replica)?.columns ?? null;
  return null;
}

function tableOf(row: Record<string, string | null>): Table {
  const identity = IDENTITIES[row['identity'] as keyof typeof IDENTITIES];
  const indexes = JSON.parse(row['indexes']!) as IndexRow[];
  const primary = indexes.find((index) => index.primary);
  return {
    oid: Number(row['oid']),
    schema: row['schema']!,
    name: row['name']!,
    kind: row['kind'] as Table['kind'],
    parentOid: row['parent_oid'] ? Number(row['parent_oid']) : null,
    unlogged: row['unlogged'] === 't',
    identity,
    columns: JSON.parse(row['columns']!) as Column[],
    primaryKey: primary?.columns ?? null,
    primaryKeyDeferrable: primary?.deferrable ?? false,
    identityKey: identityKeyOf(identity, indexes),
    uniqueIndexes: indexes
      .filter((index) => !index.primary && !index.exclusion)
      .map(({ name, columns, deferrable, predicate, expression }) => ({
        name,
        columns,
        deferrable,
        predicate,
        expression,
      })),
    exclusionConstraints: indexes.filter((index) => index.exclusion).length,
    estimatedRows: Number(row['estimated_rows']),
    bytes: Number(row['bytes']),
    triggersAlways: JSON.parse(row['triggers_always']!) as string[],
  };
}

/** Everything: no pattern given. */
export const ALL_TABLES: TableSelection = { include: [], exclude: [] };

/**
 * User tables in order of schema and name: plain ones, partitioned roots and their leaves. Neither
 * temporary tables nor those of `turnout` and of the server itself.
 */
export async function readTables(
  session: Session,
  selection: TableSelection = ALL_TABLES,
): Promise<Table[]> {
  const { rows } = await session.query<Record<string, string | null>>(QUERY);
  return rows.map(tableOf).filter((table) => isSelected(table, selection));
}

/** Whether the table holds anything; one row is looked at. */
export async function hasRows(
  session: Session,
  table: { readonly schema: string; readonly name: string },
): Promise<boolean> {
  const { rows } = await session.query<{ found: string }>(
    /* sql */ `select exists (select from ${quoteTable(table)}) as found`,
  );
  return rows[0]?.found === 't';
}
