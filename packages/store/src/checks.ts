import { json, jsonOrNull, numberOrNull, timeOrNull, timeText } from './column-values.js';
import type { Database } from './database.js';
import { Differences, type Difference, type ResolvedRows } from './differences.js';
import { sortableId } from './sortable-id.js';
import * as sql from './sql/checks.js';

export type CheckKind = 'full' | 'incremental' | 'final';
export type CheckOutcome = 'equal' | 'different' | 'could_not_verify';

/** A claimed check without a sign of life (`progress`) for this long may be claimed by another. */
export const CLAIM_STALE_MS = 60_000;

export interface CheckTable {
  readonly table: string;
  readonly rowsCompared: number;
  readonly differences: number;
  readonly ms: number;
}

export interface CheckProgress {
  readonly tables?: readonly CheckTable[] | undefined;
  readonly rowsCompared?: number | undefined;
  readonly differences?: number | undefined;
}

export interface CheckEnd {
  readonly outcome: CheckOutcome;
  readonly reason?: string | null | undefined;
  readonly tables: readonly CheckTable[];
  readonly rowsCompared: number;
  readonly differences: number;
  readonly seconds: number;
  readonly findings?: unknown;
}

export interface CheckRow {
  readonly id: string;
  readonly pair: string;
  readonly kind: CheckKind;
  readonly params: Readonly<Record<string, unknown>>;
  /** Null until claimed. */
  readonly holder: string | null;
  readonly outcome: CheckOutcome | 'running';
  readonly reason: string | null;
  readonly tables: CheckTable[];
  readonly findings: unknown;
  readonly rowsCompared: number;
  readonly differences: number;
  readonly seconds: number | null;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

function checkRow(row: sql.CheckColumns): CheckRow {
  return {
    id: row.id,
    pair: row.pair,
    kind: row.kind as CheckKind,
    params: json<Record<string, unknown>>(row.params),
    holder: row.holder,
    outcome: row.outcome as CheckRow['outcome'],
    reason: row.reason,
    tables: json<CheckTable[]>(row.tables),
    findings: jsonOrNull(row.findings),
    rowsCompared: Number(row.rows_compared),
    differences: Number(row.differences),
    seconds: numberOrNull(row.seconds),
    requestedAt: timeText(row.requested_at),
    startedAt: timeOrNull(row.started_at),
    finishedAt: timeOrNull(row.finished_at),
  };
}

/** Requests to the checker and their results. */
export class Checks {
  readonly #database: Database;
  readonly differences: Differences;

  constructor(database: Database) {
    this.#database = database;
    this.differences = new Differences(database);
  }

  /** Answers the id. Listeners of topic `checks` are woken. */
  async request(
    pair: string,
    kind: CheckKind,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const id = sortableId('chk');
    await this.#database.rows(sql.insertCheck(id, pair, kind, JSON.stringify(params)));
    return id;
  }

  /** The next check to run, final ones first; null when there is none or others hold them. */
  async claim(pair: string, holder: string, staleMs = CLAIM_STALE_MS): Promise<CheckRow | null> {
    const row = await this.#database.row<sql.CheckColumns>(sql.claimCheck(pair, holder, staleMs));
    return row && checkRow(row);
  }

  /** Also the sign of life of whoever runs it. */
  async progress(id: string, progress: CheckProgress): Promise<void> {
    await this.#database.rows(
      sql.updateProgress(id, {
        tables: progress.tables ? JSON.stringify(progress.tables) : null,
        rowsCompared: progress.rowsCompared ?? null,
        differences: progress.differences ?? null,
      }),
    );
  }

  /**
   * Ends a running check; without effect on one that has ended. A full check that found its tables
   * equal resolves the differences that were open in them.
   */
  async finish(id: string, end: CheckEnd): Promise<void> {
    const row = await this.#database.row<sql.CheckColumns>(
      sql.finishCheck(id, {
        outcome: end.outcome,
        reason: end.reason ?? null,
        tables: JSON.stringify(end.tables),
        rowsCompared: end.rowsCompared,
        differences: end.differences,
        seconds: end.seconds,
        findings: end.findings === undefined ? null : JSON.stringify(end.findings),
      }),
    );
    if (row?.kind !== 'full' || end.outcome !== 'equal') return;
    const tables = end.tables.map(({ table }) => table);
    await this.differences.resolve(row.pair, { tables, resolution: id });
  }

  async get(id: string): Promise<CheckRow | null> {
    const row = await this.#database.row<sql.CheckColumns>(sql.readCheck(id));
    return row && checkRow(row);
  }

  /** The newest, of `kind` when given, running or ended. */
  async last(pair: string, kind?: CheckKind): Promise<CheckRow | null> {
    const row = await this.#database.row<sql.CheckColumns>(sql.listChecks(pair, kind ?? null, 1));
    return row && checkRow(row);
  }

  /** Newest first. */
  async list(pair: string, limit = 100): Promise<CheckRow[]> {
    return (await this.#database.rows<sql.CheckColumns>(sql.listChecks(pair, null, limit))).map(
      checkRow,
    );
  }

  recordDifferences(id: string, rows: readonly Difference[]): Promise<void> {
    return this.differences.record(id, rows);
  }

  resolveDifferences(pair: string, resolved: ResolvedRows): Promise<void> {
    return this.differences.resolve(pair, resolved);
  }

  openDifferences(pair: string): Promise<number> {
    return this.differences.countOpen(pair);
  }
}
