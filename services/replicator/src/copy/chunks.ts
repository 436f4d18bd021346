import type { Table } from '@turnout/postgres/catalog/tables';
import { blockRange, keyRange } from './sql/copy-rows.js';

/** Size that one target transaction of the copy aims at. */
export const CHUNK_BYTES = 64 * 1024 * 1024;
/** More chunks of one table gain nothing. */
const CHUNKS_PER_TABLE_MAX = 1_000;
/** Ranges of rows by their place are found without reading the whole table from this version on. */
export const BLOCK_RANGES_SINCE = 140_000;

const INTEGER_TYPES = new Set(['smallint', 'integer', 'bigint']);

export interface CopyTable {
  readonly schema: string;
  readonly name: string;
  /** Columns that can be written, in the order of the source. */
  readonly columns: readonly string[];
  readonly bytes: number;
  readonly estimatedRows: number;
  /** A primary key of one integer column, by which a table can be split. */
  readonly integerKey: string | null;
}

/** What one target transaction of the copy brings over. */
export interface Chunk {
  readonly id: string;
  readonly table: CopyTable;
  /** Condition on the source rows; null for the whole table. */
  readonly where: string | null;
  readonly bytes: number;
}

export function tableName({ schema, name }: { schema: string; name: string }): string {
  return `${schema}.${name}`;
}

export function copyTable(table: Table): CopyTable {
  const key = table.primaryKey?.length === 1 ? table.primaryKey[0] : undefined;
  const keyColumn = table.columns.find(({ name }) => name === key);
  return {
    schema: table.schema,
    name: table.name,
    columns: table.columns.filter(({ generated }) => !generated).map(({ name }) => name),
    bytes: table.bytes,
    estimatedRows: table.estimatedRows,
    integerKey: keyColumn && INTEGER_TYPES.has(keyColumn.typeName) ? keyColumn.name : null,
  };
}

function partsOf(table: CopyTable): number {
  return Math.min(CHUNKS_PER_TABLE_MAX, Math.max(1, Math.round(table.bytes / CHUNK_BYTES)));
}

function chunksOf(table: CopyTable, conditions: readonly (string | null)[]): Chunk[] {
  return conditions.map((where, index) => ({
    id: `${tableName(table)}#${index + 1}/${conditions.length}`,
    table,
    where,
    bytes: table.bytes / conditions.length,
  }));
}

export function wholeTable(table: CopyTable): Chunk[] {
  return chunksOf(table, [null]);
}

/** Splits by blocks; the last range is open, for the table may have grown since it was measured. */
export function splitByBlocks(table: CopyTable, blocks: number): Chunk[] {
  const parts = Math.min(partsOf(table), Math.max(1, blocks));
  if (parts === 1) return wholeTable(table);
  const edge = (part: number): number => Math.floor((blocks * part) / parts);
  return chunksOf(
    table,
    Array.from({ length: parts }, (_, part) =>
      blockRange(edge(part), part === parts - 1 ? null : edge(part + 1)),
    ),
  );
}

/** Splits by an integer key between its extremes; both outer ranges are open. */
export function splitByKey(
  table: CopyTable,
  extent: { column: string; first: bigint; last: bigint },
): Chunk[] {
  const { column, first, last } = extent;
  const span = last - first + 1n;
  const parts = Math.min(partsOf(table), Number(span > 1_000_000n ? 1_000_000n : span));
  if (parts <= 1) return wholeTable(table);
  const edge = (part: number): bigint => first + (span * BigInt(part)) / BigInt(parts);
  return chunksOf(
    table,
    Array.from({ length: parts }, (_, part) =>
      keyRange(column, part === 0 ? null : edge(part), part === parts - 1 ? null : edge(part + 1)),
    ),
  );
}

/** Largest first: the tail of the copy must not be one big chunk. */
export function inCopyOrder(chunks: readonly Chunk[]): Chunk[] {
  return chunks.toSorted((a, b) => b.bytes - a.bytes || a.id.localeCompare(b.id));
}
