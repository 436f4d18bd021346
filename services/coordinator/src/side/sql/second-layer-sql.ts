import type { Statement } from '@turnout/postgres/sql/statement';

export const databaseName: Statement = {
  text: /* sql */ `
    select current_database() as name, exists (
      select from pg_db_role_setting s
      where s.setrole = 0
        and s.setdatabase = (select oid from pg_database where datname = current_database())
        and 'default_transaction_read_only=on' = any (s.setconfig)) as read_only`,
  values: [],
};

/** Our own sessions say so in their name; the guardian of a pooler hold is one of them. */
const CLIENTS = /* sql */ `
  datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
    and application_name not like 'turnout/%' and application_name <> 'turnout_guardian'`;

/** Asked for what the role may not do, the server would fail the whole statement. */
const MAY_SIGNAL = /* sql */ `
  (pg_has_role(usesysid, 'member') or pg_has_role('pg_signal_backend', 'member'))
    and not exists (
      select from pg_roles t, pg_roles me
      where t.oid = usesysid and t.rolsuper and me.rolname = current_user and not me.rolsuper)`;

/** Client sessions of this database that are not ours: each is ended, and named while it lasts. */
export const terminateClients: Statement = {
  text: /* sql */ `
    select pid, application_name as name,
      case when ${MAY_SIGNAL} then pg_terminate_backend(pid) end as signalled
    from pg_stat_activity where ${CLIENTS}`,
  values: [],
};

/** Clients that were there before `$1` (milliseconds since the epoch, clock of the server). */
export function terminateOlderClients(startedBeforeMs: string): Statement {
  return {
    text: /* sql */ `
      select pid, application_name as name,
        case when ${MAY_SIGNAL} then pg_terminate_backend(pid) end as signalled
      from pg_stat_activity
      where ${CLIENTS} and backend_start < to_timestamp($1::double precision / 1000)`,
    values: [startedBeforeMs],
  };
}

export const serverNow: Statement = {
  text: /* sql */ `select extract(epoch from clock_timestamp()) * 1000 as ms`,
  values: [],
};
