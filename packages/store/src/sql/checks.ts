import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

const COLUMNS = `id, pair, kind, params, holder, outcome, reason, tables, findings, rows_compared,
  differences, seconds, requested_at, started_at, finished_at`;

export type CheckColumns = TextRow<
  | 'id'
  | 'pair'
  | 'kind'
  | 'params'
  | 'outcome'
  | 'tables'
  | 'rows_compared'
  | 'differences'
  | 'requested_at',
  'holder' | 'reason' | 'findings' | 'seconds' | 'started_at' | 'finished_at'
>;

export function insertCheck(
  id: string,
  pair: string,
  kind: string,
  params: string,
): NamedStatement {
  return {
    name: 'store_checks_insert',
    text: /* sql */ `
      insert into turnout_control.check_run (id, pair, kind, params)
      values ($1, $2, $3, $4::jsonb)`,
    values: [id, pair, kind, params],
  };
}

/**
 * Final checks first: the window is open while they wait. A claim without a sign of life for
 * `staleMs` is taken over.
 */
export function claimCheck(pair: string, holder: string, staleMs: number): NamedStatement {
  return {
    name: 'store_checks_claim',
    text: /* sql */ `
      update turnout_control.check_run
         set holder = $2, beat_at = clock_timestamp(), started_at = clock_timestamp()
       where id = (
         select id from turnout_control.check_run
          where pair = $1 and outcome = 'running'
            and (holder is null or beat_at < clock_timestamp() - $3 * interval '1 millisecond')
          order by kind = 'final' desc, id
          limit 1
          for update skip locked)
      returning ${COLUMNS}`,
    values: [pair, holder, staleMs],
  };
}

export interface CheckChange {
  readonly tables: string | null;
  readonly rowsCompared: number | null;
  readonly differences: number | null;
}

export function updateProgress(id: string, change: CheckChange): NamedStatement {
  return {
    name: 'store_checks_progress',
    text: /* sql */ `
      update turnout_control.check_run
         set beat_at = clock_timestamp(),
             tables = coalesce($2::jsonb, tables),
             rows_compared = coalesce($3, rows_compared),
             differences = coalesce($4, differences)
       where id = $1 and outcome = 'running'`,
    values: [id, change.tables, change.rowsCompared, change.differences],
  };
}

export interface CheckEnd extends CheckChange {
  readonly outcome: string;
  readonly reason: string | null;
  readonly seconds: number;
  readonly findings: string | null;
}

export function finishCheck(id: string, end: CheckEnd): NamedStatement {
  return {
    name: 'store_checks_finish',
    text: /* sql */ `
      update turnout_control.check_run
         set outcome = $2, reason = $3, tables = $4::jsonb, rows_compared = $5, differences = $6,
             seconds = $7, findings = $8::jsonb, finished_at = clock_timestamp()
       where id = $1 and outcome = 'running'
      returning ${COLUMNS}`,
    values: [
      id,
      end.outcome,
      end.reason,
      end.tables,
      end.rowsCompared,
      end.differences,
      end.seconds,
      end.findings,
    ],
  };
}

export function readCheck(id: string): NamedStatement {
  return {
    name: 'store_checks_read',
    text: /* sql */ `select ${COLUMNS} from turnout_control.check_run where id = $1`,
    values: [id],
  };
}

/** Newest first; every kind when `kind` is null. */
export function listChecks(pair: string, kind: string | null, limit: number): NamedStatement {
  return {
    name: 'store_checks_list',
    text: /* sql */ `
      select ${COLUMNS} from turnout_control.check_run
       where pair = $1 and ($2::text is null or kind = $2)
       order by id desc
       limit $3`,
    values: [pair, kind, limit],
  };
}
