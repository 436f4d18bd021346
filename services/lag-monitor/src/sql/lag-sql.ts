import type { Direction, Side } from '@turnout/core/sides';

export interface Statement {
  readonly text: string;
  readonly values: readonly string[];
}

/** A heartbeat and the end of the log behind it. */
export function beat(side: Side, token: string): Statement {
  return {
    text: /* sql */ `
      update turnout.marker set token = $2::text, written_at = clock_timestamp()
      where side = $1 and kind = 'heartbeat'
      returning to_char(written_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as written_at`,
    values: [side, token],
  };
}

/** What the source says when the bus says nothing. */
export function readSource(slot: string): Statement {
  return {
    text: /* sql */ `
      select pg_current_wal_insert_lsn() as source_lsn,
        (select confirmed_flush_lsn from pg_replication_slots where slot_name = $1) as received_lsn,
        (select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), restart_lsn)
           from pg_replication_slots where slot_name = $1) as retained_bytes`,
    values: [slot],
  };
}

/** What the target has of the source's heartbeats, and how far its link has applied. */
export function readTarget(source: Side, link: Direction): Statement {
  return {
    text: /* sql */ `
      select p.end_lsn as applied_lsn, m.token,
        to_char(m.written_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as written_at
      from turnout.progress p
      left join turnout.marker m on m.side = $1 and m.kind = 'heartbeat'
      where p.link = $2 and p.worker = 'apply'`,
    values: [source, link],
  };
}
