import type { CheckRow, CheckTable } from '@turnout/store/checks';
import type { LagSample } from '@turnout/store/lag';
import type { CopyProgress } from '@turnout/store/links';
import type { JournalEntry } from '@turnout/store/journal';
import type { WaitingNote } from '@turnout/store/notes';
import type { SwitchoverRow } from '@turnout/store/switchovers';
import type { NextStep } from './next-steps.js';

export function switchoverView(
  row: SwitchoverRow,
  { waiting, checked }: { readonly waiting: WaitingNote | null; readonly checked: boolean },
): Record<string, unknown> {
  return {
    schema: 'turnout.switchover/v1',
    id: row.id,
    pair: row.pair,
    to: row.to,
    outcome: row.outcome,
    reason: row.reason,
    window_ms: row.windowMs,
    steps: row.steps.map(({ id, outcome, startedAt, ms, detail }) => ({
      id,
      outcome,
      started_at: startedAt,
      ms,
      detail,
    })),
    certificate: row.certificate,
    client_stall_ms: row.clientStallMs,
    attempts: row.attempts,
    waiting,
    next_steps: [
      row.outcome === 'committed' && checked
        ? { command: `turnout verify ${row.pair} --wait`, why: 'Prove the new direction.' }
        : { command: `turnout status ${row.pair}`, why: 'See where the pair stands.' },
    ],
  };
}

export function lagView(sample: LagSample): Record<string, unknown> {
  return {
    lag_bytes: sample.lagBytes,
    lag_ms: sample.lagMs,
    measured_at: sample.measuredAt,
    measured_by: sample.source,
  };
}

export function copyView(copy: CopyProgress): Record<string, unknown> {
  return {
    tables: copy.tables,
    tables_done: copy.tablesDone,
    rows: copy.rows,
    rows_expected: copy.rowsExpected,
    bytes: copy.bytes,
    seconds: copy.seconds,
  };
}

export function checkTableView({ table, rowsCompared, differences, ms }: CheckTable): object {
  return { table, rows_compared: rowsCompared, differences, ms };
}

export function checkView(row: CheckRow): Record<string, unknown> {
  return {
    schema: 'turnout.check/v1',
    id: row.id,
    pair: row.pair,
    kind: row.kind,
    outcome: row.outcome,
    reason: row.reason,
    tables: row.tables.map(checkTableView),
    rows_compared: row.rowsCompared,
    differences: row.differences,
    seconds: row.seconds,
    next_steps: [
      row.outcome === 'equal'
        ? { command: `turnout status ${row.pair}`, why: 'See whether all gates are open.' }
        : { command: `turnout verify show ${row.pair} ${row.id}`, why: 'See how it goes.' },
    ],
  };
}

export function eventView(entry: JournalEntry): Record<string, unknown> {
  return {
    schema: 'turnout.event/v1',
    pair: entry.pair,
    revision: entry.revision,
    at: entry.at,
    type: entry.type,
    actor: entry.actor,
    accepted: entry.accepted,
    data: entry.data,
  };
}

export function operationView(
  pair: string,
  kind: string,
  state: 'accepted' | 'done',
  next: readonly NextStep[],
): Record<string, unknown> {
  return {
    schema: 'turnout.operation/v1',
    id: `${kind}-${pair}`,
    pair,
    kind,
    state,
    next_steps: next,
  };
}
