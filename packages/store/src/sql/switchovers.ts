import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

const COLUMNS = `id, pair, to_side, actor, request_reason, plan_hash, outcome, reason, steps,
  certificate, window_ms, client_stall_ms, started_at, finished_at,
  begun_at, begun_by, attempts, cancel_requested_at`;

export type SwitchoverColumns = TextRow<
  'id' | 'pair' | 'to_side' | 'actor' | 'outcome' | 'steps' | 'started_at' | 'attempts',
  | 'request_reason'
  | 'plan_hash'
  | 'reason'
  | 'certificate'
  | 'window_ms'
  | 'client_stall_ms'
  | 'finished_at'
  | 'begun_at'
  | 'begun_by'
  | 'cancel_requested_at'
>;

export interface NewSwitchoverColumns {
  readonly id: string;
  readonly pair: string;
  readonly to: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly planHash: string | null;
}

/** Answers no row when another of the pair is running. */
export function insertSwitchover(row: NewSwitchoverColumns): NamedStatement {
  return {
    name: 'store_switchovers_insert',
    text: /* sql */ `
      insert into turnout_control.switchover (id, pair, to_side, actor, request_reason, plan_hash)
      values ($1, $2, $3, $4, $5, $6)
      on conflict (pair) where outcome = 'running' do nothing
      returning ${COLUMNS}`,
    values: [row.id, row.pair, row.to, row.actor, row.reason, row.planHash],
  };
}

/** Columns that are null stay as they are; JSON comes as text. */
export interface SwitchoverChange {
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly steps: string | null;
  readonly certificate: string | null;
  readonly windowMs: number | null;
  readonly clientStallMs: number | null;
  /** Only while this one runs it; whoever runs it when null. */
  readonly holder: string | null;
}

export function updateSwitchover(id: string, change: SwitchoverChange): NamedStatement {
  return {
    name: 'store_switchovers_update',
    text: /* sql */ `
      update turnout_control.switchover
         set outcome = coalesce($2, outcome),
             reason = coalesce($3, reason),
             steps = coalesce($4::jsonb, steps),
             certificate = coalesce($5::jsonb, certificate),
             window_ms = coalesce($6, window_ms),
             client_stall_ms = coalesce($7, client_stall_ms),
             finished_at = case when coalesce($2, outcome) = 'running' then null
                                else coalesce(finished_at, clock_timestamp()) end
       where id = $1 and ($8::text is null or begun_by = $8)
      returning ${COLUMNS}`,
    values: [
      id,
      change.outcome,
      change.reason,
      change.steps,
      change.certificate,
      change.windowMs,
      change.clientStallMs,
      change.holder,
    ],
  };
}

/**
 * Taken up once for each attempt. `attempt` is how many there were: of two leaders that read the same
 * row, one begins. A request older than `withinMs` that nobody ever began is not begun any more.
 */
export function beginSwitchover(
  id: string,
  { holder, attempt, withinMs }: { holder: string; attempt: number; withinMs: number },
): NamedStatement {
  return {
    name: 'store_switchovers_begin',
    text: /* sql */ `
      update turnout_control.switchover
         set begun_at = clock_timestamp(), begun_by = $2, attempts = attempts + 1
       where id = $1 and outcome = 'running' and attempts = $3 and cancel_requested_at is null
         and started_at > clock_timestamp() - $4 * interval '1 millisecond'
      returning ${COLUMNS}`,
    values: [id, holder, attempt, withinMs],
  };
}

/** Who settles a running row speaks for it from now on; who began it does not any more. */
export function takeUpSwitchover(id: string, holder: string): NamedStatement {
  return {
    name: 'store_switchovers_take_up',
    text: /* sql */ `
      update turnout_control.switchover set begun_by = $2
       where id = $1 and outcome = 'running' returning id`,
    values: [id, holder],
  };
}

/** Keeps the row from being taken up by another until the transaction ends. */
export function lockRun({
  switchover,
  holder,
}: {
  switchover: string;
  holder: string;
}): NamedStatement {
  return {
    name: 'store_switchovers_lock_run',
    text: /* sql */ `
      select 1 from turnout_control.switchover where id = $1 and begun_by = $2 for update`,
    values: [switchover, holder],
  };
}

/** An attempt was undone and may be made again. */
export function requeueSwitchover(id: string): NamedStatement {
  return {
    name: 'store_switchovers_requeue',
    text: /* sql */ `
      update turnout_control.switchover set begun_at = null, begun_by = null
       where id = $1 and outcome = 'running' returning id`,
    values: [id],
  };
}

export function cancelSwitchover(pair: string, actor: string): NamedStatement {
  return {
    name: 'store_switchovers_cancel',
    text: /* sql */ `
      update turnout_control.switchover
         set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()),
             cancel_requested_by = coalesce(cancel_requested_by, $2)
       where pair = $1 and outcome = 'running'
      returning ${COLUMNS}`,
    values: [pair, actor],
  };
}

export function readSwitchover(id: string): NamedStatement {
  return {
    name: 'store_switchovers_read',
    text: /* sql */ `select ${COLUMNS} from turnout_control.switchover where id = $1`,
    values: [id],
  };
}

/** Newest first; every outcome when `outcome` is null. */
export function listSwitchovers(
  pair: string,
  outcome: string | null,
  limit: number,
): NamedStatement {
  return {
    name: 'store_switchovers_list',
    text: /* sql */ `
      select ${COLUMNS} from turnout_control.switchover
       where pair = $1 and ($2::text is null or outcome = $2)
       order by id desc
       limit $3`,
    values: [pair, outcome, limit],
  };
}
