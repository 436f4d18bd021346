import { json, timeOrNull, timeText } from './column-values.js';
import type { Database } from './database.js';
import * as sql from './sql/differences.js';
import type { TextRow } from '@turnout/postgres/sql/statement';

/** A row that differs: names, key and digests, never values. */
export interface Difference {
  readonly table: string;
  readonly key: string;
  readonly kind: 'missing' | 'extra' | 'changed';
  readonly sourceDigest: string | null;
  readonly targetDigest: string | null;
  readonly columns: readonly string[];
}

export interface RecordedDifference extends Difference {
  readonly checkId: string;
  readonly foundAt: string;
  readonly resolvedAt: string | null;
  readonly resolution: string | null;
}

export interface ResolvedRows {
  readonly tables: readonly string[];
  /** Only these keys; all of the tables unless given. */
  readonly keys?: readonly string[] | undefined;
  /** What showed or made them equal, such as the id of a check. */
  readonly resolution: string;
}

/** Differences outlive the check that found them: they close the gate until resolved. */
export class Differences {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async record(checkId: string, rows: readonly Difference[]): Promise<void> {
    if (rows.length === 0) return;
    const records = rows.map((row) => ({
      table_name: row.table,
      key: row.key,
      kind: row.kind,
      source_digest: row.sourceDigest,
      target_digest: row.targetDigest,
      columns: row.columns,
    }));
    await this.#database.rows(sql.insertDifferences(checkId, JSON.stringify(records)));
  }

  async countOpen(pair: string): Promise<number> {
    const row = await this.#database.row<TextRow<'open'>>(sql.countOpen(pair));
    return Number(row!.open);
  }

  async resolve(pair: string, { tables, keys, resolution }: ResolvedRows): Promise<void> {
    await this.#database.rows(
      sql.resolveDifferences(
        pair,
        JSON.stringify(tables),
        keys ? JSON.stringify(keys) : null,
        resolution,
      ),
    );
  }

  async list(checkId: string, limit = 1_000): Promise<RecordedDifference[]> {
    const rows = await this.#database.rows<sql.DifferenceColumns>(
      sql.readDifferences(checkId, limit),
    );
    return rows.map((row) => ({
      checkId: row.check_id,
      table: row.table_name,
      key: row.key,
      kind: row.kind as Difference['kind'],
      sourceDigest: row.source_digest,
      targetDigest: row.target_digest,
      columns: json<string[]>(row.columns),
      foundAt: timeText(row.found_at),
      resolvedAt: timeOrNull(row.resolved_at),
      resolution: row.resolution,
    }));
  }
}
