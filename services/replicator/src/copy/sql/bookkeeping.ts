import type { Direction } from '@turnout/core/sides';
import { textArray, type BuiltStatement } from '../../apply/sql/statement.js';
import type { TableName } from '../../apply/plan/table-plan.js';
import { quoteTable } from '@turnout/postgres/identifiers';

/** Chunk name that says the whole copy is done. */
export const COMPLETE = '#complete';

export function copyWorker(number: number): string {
  return `copy/${number}`;
}

/** Shuts out the workers of an earlier copy: waits for a chunk of theirs that is about to commit. */
export function fenceWorkers(link: Direction): BuiltStatement {
  return {
    text: /* sql */ `
      update turnout.progress set lease_epoch = lease_epoch + 1
       where link = $1::text and worker like 'copy/%'`,
    values: [link],
  };
}

export function seedWorkers(link: Direction, count: number): BuiltStatement {
  const workers = Array.from({ length: count }, (_, index) => copyWorker(index + 1));
  return {
    text: /* sql */ `
      insert into turnout.progress (link, worker)
      select $1::text, w from unnest($2::text[]) as w on conflict (link, worker) do nothing`,
    values: [link, textArray(workers)],
  };
}

export function readWorkers(link: Direction): BuiltStatement {
  return {
    text: /* sql */ `select worker, lease_epoch from turnout.progress where link = $1::text and worker like 'copy/%'`,
    values: [link],
  };
}

/** First statement of every chunk: names the transaction as ours and refuses a zombie. */
export function touchWorker(link: Direction, worker: string, epoch: bigint): BuiltStatement {
  return {
    text: /* sql */ `
      with changed as (
        update turnout.progress set touched = touched + 1
         where link = $1::text and worker = $2::text and lease_epoch = $3::bigint returning 1)
      select turnout.expect('turnout.progress', 1, (select count(*) from changed))`,
    values: [link, worker, String(epoch)],
  };
}

export function recordChunk(
  link: Direction,
  chunk: string,
  { rows, bytes }: { rows: number; bytes: number },
): BuiltStatement {
  return {
    text: /* sql */ `insert into turnout.copy_chunk (link, chunk, rows, bytes) values ($1::text, $2::text, $3::bigint, $4::bigint)`,
    values: [link, chunk, String(rows), String(bytes)],
  };
}

export function readChunks(link: Direction): BuiltStatement {
  return {
    text: /* sql */ `select chunk, rows, bytes from turnout.copy_chunk where link = $1::text`,
    values: [link],
  };
}

export function forgetChunks(link: Direction): BuiltStatement {
  return {
    text: /* sql */ `delete from turnout.copy_chunk where link = $1::text`,
    values: [link],
  };
}

/** Empties what an earlier copy has brought; all tables at once, for foreign keys among them. */
export function truncateCopied(tables: readonly TableName[]): BuiltStatement {
  return {
    text: /* sql */ `truncate table ${tables.map((table) => `only ${quoteTable(table)}`).join(', ')}`,
    values: [],
  };
}

/** One row `found` when the table holds anything. */
export function anyRow(table: TableName): BuiltStatement {
  return { text: /* sql */ `select 1 as found from only ${quoteTable(table)} limit 1`, values: [] };
}

export function analyse(table: TableName): BuiltStatement {
  return { text: /* sql */ `analyze ${quoteTable(table)}`, values: [] };
}
