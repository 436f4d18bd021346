import { fail } from '@turnout/contracts/errors';
import type { Table } from '@turnout/postgres/catalog/tables';
import type { Direction } from '@turnout/core/sides';
import type { TargetSession } from '../apply/target-session.js';
import { ownTables } from '../seed/publish-tables.js';
import { copyTable, tableName, type CopyTable } from './chunks.js';
import {
  anyRow,
  copyWorker,
  fenceWorkers,
  forgetChunks,
  readChunks,
  readWorkers,
  seedWorkers,
  touchWorker,
  truncateCopied,
} from './sql/bookkeeping.js';

/**
 * Source tables as they will be copied, after the target was found to take them.
 * @throws TRN2014 for a missing table, TRN3008 for a missing or generated column
 */
export function matchTables(source: readonly Table[], target: readonly Table[]): CopyTable[] {
  const byName = new Map(target.map((table) => [tableName(table), table]));
  return ownTables(source).map((table) => {
    const name = tableName(table);
    const there = byName.get(name);
    if (!there) throw fail('target_table_missing', { table: name });
    if (there.kind === 'partitioned') {
      throw fail('relation_mismatch', { table: name, reason: 'partitioned on the target only' });
    }
    const columns = new Map(there.columns.map((column) => [column.name, column]));
    const copied = copyTable(table);
    for (const column of copied.columns) {
      if (!columns.has(column))
        throw fail('relation_mismatch', { table: name, column, reason: 'missing' });
    }
    return {
      ...copied,
      columns: copied.columns.filter((column) => !columns.get(column)?.generated),
    };
  });
}

/** Shuts out workers of an earlier copy and answers the epochs of those of this one. */
export async function claimWorkers(
  target: TargetSession,
  link: Direction,
  count: number,
): Promise<Map<string, bigint>> {
  await target.transaction([fenceWorkers(link), seedWorkers(link, count)], { durable: true });
  const rows = await target.query(readWorkers(link));
  return new Map(rows.map((row) => [row.worker ?? '', BigInt(row.lease_epoch ?? 0)]));
}

/**
 * Makes sure that every table is empty: those that an interrupted copy of this link has filled are
 * emptied, any other that holds rows is somebody's.
 * @throws TRN2020 naming the first such table
 */
export async function emptyTarget(
  target: TargetSession,
  options: { link: Direction; tables: readonly CopyTable[]; epochs: ReadonlyMap<string, bigint> },
): Promise<void> {
  const { link, tables, epochs } = options;
  const chunks = await target.query(readChunks(link));
  const copied = new Set(chunks.map(({ chunk }) => chunk?.replace(/#[^#]*$/, '')));
  for (const table of tables) {
    if (copied.has(tableName(table))) continue;
    const rows = await target.query(anyRow(table));
    if (rows.length > 0) throw fail('target_not_empty', { table: tableName(table) });
  }
  if (chunks.length === 0) return;
  const worker = copyWorker(1);
  await target.transaction(
    [
      touchWorker(link, worker, epochs.get(worker) ?? -1n),
      // All of them, for one may refer to another; none but the copied ones holds a row.
      truncateCopied(tables),
      forgetChunks(link),
    ],
    { durable: true },
  );
}
