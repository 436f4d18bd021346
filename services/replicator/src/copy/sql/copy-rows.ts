import { quoteIdent, quoteTable } from '@turnout/postgres/identifiers';
import type { Chunk, CopyTable } from '../chunks.js';

/** Reads a chunk under the exported snapshot; `only` keeps inheritance children out. */
export function copyOutText({ table, where }: Chunk): string {
  const columns = table.columns.map(quoteIdent).join(', ');
  const condition = where === null ? '' : ` where ${where}`;
  return /* sql */ `copy (select ${columns} from only ${quoteTable(table)}${condition}) to stdout`;
}

/** A table without columns takes no column list. */
export function copyInText(table: CopyTable): string {
  const columns = table.columns.map(quoteIdent).join(', ');
  return /* sql */ `copy ${quoteTable(table)}${columns === '' ? '' : ` (${columns})`} from stdin`;
}

/** Rows of `[first, last)` by block; the last chunk of a table is open-ended. Needs 14 to be quick. */
export function blockRange(first: number, last: number | null): string {
  const from = `ctid >= '(${first},0)'::tid`;
  return last === null ? from : `${from} and ctid < '(${last},0)'::tid`;
}

/** Rows of `[first, last)` by an integer key; null leaves that end open. */
export function keyRange(column: string, first: bigint | null, last: bigint | null): string {
  const key = quoteIdent(column);
  const ends = [
    ...(first === null ? [] : [`${key} >= ${first}`]),
    ...(last === null ? [] : [`${key} < ${last}`]),
  ];
  return ends.length === 0 ? 'true' : ends.join(' and ');
}
