import type { Direction } from '@turnout/core/sides';
import type { BuiltStatement } from '../../apply/sql/statement.js';

/**
 * Ends what sessions earlier leases left of this link in this database, which belongs to one pair. A
 * predecessor whose host is gone leaves a server process that holds the progress row until TCP gives
 * up, and rows of its copy. Only those of our own role: for another one the server would fail the
 * whole statement.
 */
export function endPredecessors(link: Direction, leaseEpoch: bigint): BuiltStatement {
  return {
    text: /* sql */ `
      select pid, pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and usename = current_user and pid <> pg_backend_pid()
         and case when application_name ~ ('^turnout/[0-9]+/link-' || $1::text || '-')
             then split_part(application_name, '/', 2)::bigint < $2::bigint end`,
    values: [link, String(leaseEpoch)],
  };
}
