/** The oldest transaction that has written, ours excepted. */
export const oldestWriter = /* sql */ `
  select (extract(epoch from clock_timestamp() - xact_start) * 1000)::bigint as ms, pid,
    application_name as name
  from pg_stat_activity
  where datname = current_database() and backend_xid is not null
    and application_name not like 'turnout/%'
  order by xact_start
  limit 1`;

export const preparedNames = /* sql */ `
  select gid as name from pg_prepared_xacts where database = current_database() order by prepared`;
