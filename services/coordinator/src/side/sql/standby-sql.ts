import type { StandbyPolicy } from '@turnout/contracts/config/pair-config';
import type { Statement } from '@turnout/postgres/sql/statement';

/** Which rows of pg_stat_replication count; logical walsenders are readers, not copies. */
const COUNTING: Readonly<Record<Exclude<StandbyPolicy, 'none'>, string>> = {
  streaming: `r.state = 'streaming'`,
  synchronous: `r.sync_state in ('sync', 'quorum')`,
};

/**
 * Physical standbys that count, and what of them has not flushed `$1`. A role that may not see other
 * sessions reads NULL states: those are unknown, never "no standby".
 */
export function readStandbys(policy: Exclude<StandbyPolicy, 'none'>, lsn: string): Statement {
  return {
    text: /* sql */ `
      select coalesce(r.application_name, '') as name, r.flush_lsn >= $1::pg_lsn as flushed,
        r.state is null as hidden
      from pg_stat_replication r
      where (r.state is null or (${COUNTING[policy]}))
        and not exists (select 1 from pg_replication_slots s
          where s.active_pid = r.pid and s.slot_type = 'logical')
        and coalesce(r.application_name, '') not like 'turnout/%'`,
    values: [lsn],
  };
}

/** Ends the wait of a COMMIT for synchronous standbys; the commit itself has happened. */
export function cancelStandbyWait(pid: number): Statement {
  return {
    text: /* sql */ `
      select pg_cancel_backend(pid) from pg_stat_activity
      where pid = $1::int and wait_event = 'SyncRep'`,
    values: [String(pid)],
  };
}

/**
 * Commits of this session no longer wait for synchronous standbys: for what only takes back, which a
 * stalled standby may not keep from happening.
 */
export const commitLocally: Statement = {
  text: /* sql */ `select set_config('synchronous_commit', 'local', false)`,
  values: [],
};

export const currentWal: Statement = {
  text: /* sql */ `select pg_current_wal_insert_lsn() as lsn`,
  values: [],
};
