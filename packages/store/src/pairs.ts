import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import { json, timeText } from './column-values.js';
import { rowsOf, type Database, type Queryable } from './database.js';
import * as sql from './sql/pairs.js';

/** A flag beside the phase; `since` is RFC 3339, `code` one of the error catalogue. */
export interface Condition {
  readonly condition: string;
  readonly since: string;
  readonly reason: string;
  readonly code?: string | null | undefined;
}

export interface PairRow {
  readonly pair: string;
  readonly phase: string;
  readonly conditions: Condition[];
  readonly writableSide: Side;
  readonly revision: number;
  /** RFC 3339, clock of the control store. */
  readonly updatedAt: string;
}

export function pairRow(row: sql.PairColumns): PairRow {
  return {
    pair: row.pair,
    phase: row.phase,
    conditions: json<Condition[]>(row.conditions),
    writableSide: row.writable_side as Side,
    revision: Number(row.revision),
    updatedAt: timeText(row.updated_at),
  };
}

/** The pair under its row lock. @throws TRN5001 when there is none */
export async function lockPair(transaction: Queryable, pair: string): Promise<PairRow> {
  const [row] = await rowsOf<sql.PairColumns>(transaction, sql.lockPair(pair));
  if (!row) throw fail('pair_unknown', { pair });
  return pairRow(row);
}

/** The durable pairs. Their phase moves through `journal.transition` only. */
export class Pairs {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Creates the pair in phase `draft` with blue writable, unless it is there. */
  async ensure(pair: string): Promise<void> {
    await this.#database.rows(sql.insertPair(pair));
  }

  async get(pair: string): Promise<PairRow | null> {
    const row = await this.#database.row<sql.PairColumns>(sql.readPair(pair));
    return row && pairRow(row);
  }

  async list(): Promise<PairRow[]> {
    return (await this.#database.rows<sql.PairColumns>(sql.readPairs())).map(pairRow);
  }
}
