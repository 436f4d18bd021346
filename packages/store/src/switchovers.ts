import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import { json, jsonOrNull, numberOrNull, timeOrNull, timeText } from './column-values.js';
import type { Database } from './database.js';
import { sortableId } from './sortable-id.js';
import * as sql from './sql/switchovers.js';

export type SwitchoverOutcome = 'running' | 'committed' | 'undone' | 'needs_operator';
export type Certificate = Readonly<Record<string, unknown>>;

export interface SwitchoverStep {
  readonly id: string;
  readonly outcome: string;
  /** RFC 3339. */
  readonly startedAt: string | null;
  readonly ms: number | null;
  readonly detail: string | null;
}

export interface NewSwitchover {
  /** Made when absent. */
  readonly id?: string | undefined;
  readonly pair: string;
  readonly to: Side;
  readonly actor: string;
  readonly reason?: string | null | undefined;
  readonly planHash?: string | null | undefined;
}

/** What is absent stays as it is. */
export interface SwitchoverPatch {
  readonly outcome?: SwitchoverOutcome | undefined;
  readonly reason?: string | undefined;
  readonly steps?: readonly SwitchoverStep[] | undefined;
  readonly certificate?: Certificate | undefined;
  readonly windowMs?: number | undefined;
  readonly clientStallMs?: number | undefined;
}

interface Limits {
  /** Only while this one runs it. */
  readonly holder?: string | undefined;
}

export interface SwitchoverRow {
  readonly id: string;
  readonly pair: string;
  readonly to: Side;
  readonly actor: string;
  /** Why it was asked for. */
  readonly requestReason: string | null;
  readonly planHash: string | null;
  readonly outcome: SwitchoverOutcome;
  /** Why it ended as it did. */
  readonly reason: string | null;
  readonly steps: SwitchoverStep[];
  readonly certificate: Certificate | null;
  readonly windowMs: number | null;
  readonly clientStallMs: number | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** When a leader last began it; null while nobody has. */
  readonly begunAt: string | null;
  readonly begunBy: string | null;
  readonly attempts: number;
  readonly cancelRequestedAt: string | null;
}

function switchoverRow(row: sql.SwitchoverColumns): SwitchoverRow {
  return {
    id: row.id,
    pair: row.pair,
    to: row.to_side as Side,
    actor: row.actor,
    requestReason: row.request_reason,
    planHash: row.plan_hash,
    outcome: row.outcome as SwitchoverOutcome,
    reason: row.reason,
    steps: json<SwitchoverStep[]>(row.steps),
    certificate: jsonOrNull<Certificate>(row.certificate),
    windowMs: numberOrNull(row.window_ms),
    clientStallMs: numberOrNull(row.client_stall_ms),
    startedAt: timeText(row.started_at),
    finishedAt: timeOrNull(row.finished_at),
    begunAt: timeOrNull(row.begun_at),
    begunBy: row.begun_by,
    attempts: Number(row.attempts),
    cancelRequestedAt: timeOrNull(row.cancel_requested_at),
  };
}

/** Switchovers and rollbacks of a pair; the store itself allows one running at a time. */
export class Switchovers {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws TRN5004 when one is running */
  async create(request: NewSwitchover): Promise<SwitchoverRow> {
    const row = await this.#database.row<sql.SwitchoverColumns>(
      sql.insertSwitchover({
        id: request.id ?? sortableId('swo'),
        pair: request.pair,
        to: request.to,
        actor: request.actor,
        reason: request.reason ?? null,
        planHash: request.planHash ?? null,
      }),
    );
    if (row) return switchoverRow(row);
    const running = await this.running(request.pair);
    throw fail('switchover_running', { pair: request.pair, switchover: running?.id ?? null });
  }

  /** @throws TRN5017, TRN5015 when `holder` is given and another runs it */
  async update(
    id: string,
    patch: SwitchoverPatch,
    { holder }: Limits = {},
  ): Promise<SwitchoverRow> {
    const row = await this.#database.row<sql.SwitchoverColumns>(
      sql.updateSwitchover(id, {
        outcome: patch.outcome ?? null,
        reason: patch.reason ?? null,
        steps: patch.steps ? JSON.stringify(patch.steps) : null,
        certificate: patch.certificate ? JSON.stringify(patch.certificate) : null,
        windowMs: patch.windowMs ?? null,
        clientStallMs: patch.clientStallMs ?? null,
        holder: holder ?? null,
      }),
    );
    if (!row && holder !== undefined) throw fail('superseded', { switchover: id });
    if (!row) throw fail('switchover_unknown', { switchover: id });
    return switchoverRow(row);
  }

  /** One attempt of a running row is begun once; null when another began it, or it is too late. */
  async begin(
    id: string,
    attempt: { readonly holder: string; readonly attempt: number; readonly withinMs: number },
  ): Promise<SwitchoverRow | null> {
    const row = await this.#database.row<sql.SwitchoverColumns>(sql.beginSwitchover(id, attempt));
    return row && switchoverRow(row);
  }

  /** Whoever settles it speaks for it from now on: what its predecessor still says is refused. */
  async takeUp(id: string, holder: string): Promise<void> {
    await this.#database.rows(sql.takeUpSwitchover(id, holder));
  }

  /** The attempt was undone for a reason that passes: the row waits to be begun again. */
  async requeue(id: string): Promise<void> {
    await this.#database.rows(sql.requeueSwitchover(id));
  }

  /** Asks that the running one be undone, if that is still possible; null when none runs. */
  async requestCancel(pair: string, actor: string): Promise<SwitchoverRow | null> {
    const row = await this.#database.row<sql.SwitchoverColumns>(sql.cancelSwitchover(pair, actor));
    return row && switchoverRow(row);
  }

  async get(id: string): Promise<SwitchoverRow | null> {
    const row = await this.#database.row<sql.SwitchoverColumns>(sql.readSwitchover(id));
    return row && switchoverRow(row);
  }

  async last(pair: string): Promise<SwitchoverRow | null> {
    return (await this.list(pair, 1))[0] ?? null;
  }

  async running(pair: string): Promise<SwitchoverRow | null> {
    return (await this.#list(pair, 'running', 1))[0] ?? null;
  }

  /** Newest first. */
  list(pair: string, limit = 100): Promise<SwitchoverRow[]> {
    return this.#list(pair, null, limit);
  }

  async #list(pair: string, outcome: string | null, limit: number): Promise<SwitchoverRow[]> {
    const rows = await this.#database.rows<sql.SwitchoverColumns>(
      sql.listSwitchovers(pair, outcome, limit),
    );
    return rows.map(switchoverRow);
  }
}
