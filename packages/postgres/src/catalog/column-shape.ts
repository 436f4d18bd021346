import type { Session } from '../session.js';
import { isSelected, type TableSelection } from './table-patterns.js';

export interface ColumnShape {
  readonly schema: string;
  readonly name: string;
  /** Columns by name with type, nullability and generation: what replication depends on. */
  readonly columns: string;
}

/**
 * Names, columns and types of user tables: cheap enough to be read while writes are held, and free
 * of texts that server versions print differently.
 */
export async function readColumnShapes(
  session: Session,
  selection: TableSelection,
): Promise<ColumnShape[]> {
  const { rows } = await session.query<{
    schema: string;
    name: string;
    columns: string;
  }>(/* sql */ `
    select n.nspname as schema, c.relname as name,
      coalesce(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end
        || a.attgenerated::text || a.attidentity::text, ', ' order by a.attname collate "C"), '')
        as columns
    from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and c.relpersistence = 'p'
      and n.nspname not in ('information_schema', 'turnout') and n.nspname !~ '^pg_'
    group by n.nspname, c.relname
    order by n.nspname collate "C", c.relname collate "C"`);
  return rows.filter((table) => isSelected(table, selection));
}
