import { tableName, type Chunk, type CopyTable } from './chunks.js';

export interface TableCopied {
  readonly table: string;
  rows: number;
  bytes: number;
  chunksLeft: number;
}

/** How far the copy is; read by whoever reports it. */
export class CopyView {
  readonly tables = new Map<string, TableCopied>();
  readonly #startedAtMs: number;
  rowsExpected = 0;
  rows = 0;
  bytes = 0;

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  plan(tables: readonly CopyTable[], chunks: readonly Chunk[]): void {
    for (const table of tables) {
      this.rowsExpected += table.estimatedRows;
      const name = tableName(table);
      const chunksLeft = chunks.filter((chunk) => chunk.table === table).length;
      this.tables.set(name, { table: name, rows: 0, bytes: 0, chunksLeft });
    }
  }

  /** What an earlier process copied, from the chunks it recorded. */
  recall(chunks: readonly Readonly<Record<string, string | null>>[]): void {
    for (const { chunk, rows, bytes } of chunks) {
      const table = chunk?.replace(/#[^#]*$/, '');
      if (!table) continue;
      const known = this.tables.get(table) ?? { table, rows: 0, bytes: 0, chunksLeft: 0 };
      this.tables.set(table, known);
      known.rows += Number(rows);
      known.bytes += Number(bytes);
      this.rows += Number(rows);
      this.bytes += Number(bytes);
    }
    this.rowsExpected = this.rows;
  }

  copied(chunk: Chunk, { rows, bytes }: { rows: number; bytes: number }): void {
    this.rows += rows;
    this.bytes += bytes;
    const table = this.tables.get(tableName(chunk.table));
    if (!table) return;
    table.rows += rows;
    table.bytes += bytes;
    table.chunksLeft -= 1;
  }

  get tablesDone(): number {
    return [...this.tables.values()].filter(({ chunksLeft }) => chunksLeft === 0).length;
  }

  seconds(nowMs: number): number {
    return Math.round((nowMs - this.#startedAtMs) / 100) / 10;
  }
}
