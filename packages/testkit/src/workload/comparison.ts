import type { ClientBase } from 'pg';
import { present, type PresentRow } from './sql/proof.js';
import { readLedger, type WriterLedger } from './ledger-file.js';

export interface Comparison {
  readonly attempted: number;
  readonly acknowledged: number;
  /** Acknowledged, but not there. */
  readonly lost: number;
  /** There twice, or counted more often than there. */
  readonly duplicated: number;
  /** There without having been attempted, or only a part of the transaction is there. */
  readonly unexplained: number;
  /** Errors that the writers saw. */
  readonly clientErrors: number;
  readonly errorCodes: Readonly<Record<string, number>>;
}

/** Compares the ledgers with the side of `client`; writers must have ended and that side be writable. */
export async function compare(files: readonly string[], client: ClientBase): Promise<Comparison> {
  const ledgers = await Promise.all(files.map(readLedger));
  const { rows } = await client.query<PresentRow>(present());
  const counters = await client.query<{ writer: number; value: number }>(
    /* sql */ `select writer, value::float8 as value from app.counter`,
  );
  const values = new Map(counters.rows.map(({ writer, value }) => [writer, value]));
  return compareRows(ledgers, rows, values);
}

export function compareRows(
  ledgers: readonly WriterLedger[],
  rows: readonly PresentRow[],
  counters: ReadonlyMap<number, number>,
): Comparison {
  const sum = { attempted: 0, acknowledged: 0, lost: 0, duplicated: 0, unexplained: 0 };
  const errorCodes: Record<string, number> = {};
  const known = new Set(ledgers.map(({ writer }) => writer));
  sum.unexplained += rows.filter(({ writer }) => !known.has(writer)).length;
  for (const ledger of ledgers) {
    const mine = rows.filter(({ writer }) => writer === ledger.writer);
    const there = new Set(mine.map(({ seq }) => seq));
    sum.attempted += ledger.attempted.size;
    sum.acknowledged += ledger.acknowledged.size;
    for (const seq of ledger.acknowledged.keys()) if (!there.has(seq)) sum.lost += 1;
    for (const { seq, in_ledger, in_audit_log } of mine) {
      if (in_ledger > 1 || in_audit_log > 1) sum.duplicated += 1;
      const partial = in_ledger === 0 || in_audit_log === 0;
      if (partial || !ledger.attempted.has(seq)) sum.unexplained += 1;
    }
    const counted = counters.get(ledger.writer) ?? 0;
    sum.duplicated += Math.max(0, counted - there.size);
    sum.unexplained += Math.max(0, there.size - counted);
    for (const { code } of ledger.errors) errorCodes[code] = (errorCodes[code] ?? 0) + 1;
  }
  const clientErrors = Object.values(errorCodes).reduce((total, count) => total + count, 0);
  return { ...sum, clientErrors, errorCodes };
}
