import { quoteIdent, quoteTable } from '@turnout/postgres/identifiers';
import type { TableName } from '../../apply/plan/table-plan.js';
import type { BuiltStatement } from '../../apply/sql/statement.js';

/** Blocks of the table's own file. */
export function tableBlocks(table: TableName): BuiltStatement {
  return {
    text: /* sql */ `
      select pg_relation_size(c.oid) / current_setting('block_size')::bigint as blocks
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = $1::text and c.relname = $2::text`,
    values: [table.schema, table.name],
  };
}

/** Smallest and largest key; both null for an empty table. */
export function keyExtent(table: TableName, column: string): BuiltStatement {
  const key = quoteIdent(column);
  return {
    text: /* sql */ `select min(${key}) as first, max(${key}) as last from only ${quoteTable(table)}`,
    values: [],
  };
}
