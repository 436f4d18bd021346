import { tableName } from './relation-keys.js';
import type { CatalogTable, SideCatalog } from './units.js';

/** A row of `readTables` as far as partition trees need it. */
export interface ListedTable extends CatalogTable {
  readonly oid: number;
  readonly parentOid: number | null;
  readonly unlogged: boolean;
  readonly bytes: number;
}

/** Size of a row where a table was never analysed: the estimate only shapes buckets. */
const BYTES_PER_ROW_GUESS = 256;

/** Finds the root of each partition; a partition whose root was not selected stands for itself. */
export function sideCatalog(listed: readonly ListedTable[]): SideCatalog {
  // Unlogged tables never reach a slot, so neither link nor checker can follow them.
  const tables = listed
    .filter(({ unlogged }) => !unlogged)
    .map((table) => ({
      ...table,
      estimatedRows: Math.max(table.estimatedRows, table.bytes / BYTES_PER_ROW_GUESS),
    }));
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  const roots = new Map<string, string>();
  for (const table of tables) {
    let root = table;
    for (;;) {
      const parent = root.parentOid === null ? undefined : byOid.get(root.parentOid);
      if (!parent) break;
      root = parent;
    }
    if (root !== table) roots.set(tableName(table), tableName(root));
  }
  return { tables, roots };
}
