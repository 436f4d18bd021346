/** Age of the oldest transaction that has written, ours excepted; 0 when there is none. */
export const oldestWriterMs = /* sql */ `
  select coalesce(max(extract(epoch from clock_timestamp() - xact_start) * 1000), 0)::bigint as ms
  from pg_stat_activity
  where datname = current_database() and backend_xid is not null
    and application_name not like 'turnout/%'`;

export const preparedCount = /* sql */ `
  select count(*) as count from pg_prepared_xacts where database = current_database()`;
