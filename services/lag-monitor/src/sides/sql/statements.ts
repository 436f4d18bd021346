import type { Direction, Side } from '@turnout/core/sides';
import type { NamedStatement } from '@turnout/postgres/sql/statement';

/** The rows are seeded by the installation; a side writes only its own. */
export function writeHeartbeat(side: Side, token: string): NamedStatement {
  return {
    name: 'lag_heartbeat_write',
    text: /* sql */ `
      update turnout.marker set token = $2, written_at = clock_timestamp()
       where side = $1 and kind = 'heartbeat'
      returning side`,
    values: [side, token],
  };
}

/** On its own and after the commit: the marker must lie before it. */
export function readLogEnd(): NamedStatement {
  return {
    name: 'lag_log_end_read',
    text: /* sql */ `select pg_current_wal_lsn() as lsn`,
    values: [],
  };
}

/** On the target: the heartbeat of the source that arrived and how far the link has applied. */
export function readArrival(source: Side, direction: Direction): NamedStatement {
  return {
    name: 'lag_arrival_read',
    text: /* sql */ `
      select (select token from turnout.marker where side = $1 and kind = 'heartbeat') as token,
             (select end_lsn from turnout.progress where link = $2 and worker = 'apply') as end_lsn`,
    values: [source, direction],
  };
}
