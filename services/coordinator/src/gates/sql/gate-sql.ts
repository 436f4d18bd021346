/** Age of the oldest transaction that has written, ours excepted; 0 when there is none. */
export const oldestWriterMs = /* sql */ `
  select coalesce(max(extract(epoch from clock_timestamp() - xact_start) * 1000), 0)::bigint as ms
  from pg_stat_activity
  where datname = current_database() and backend_xid is not null
    and application_name not like 'turnout/%'`;

export const preparedCount = /* sql */ `
  select count(*) as count from pg_prepared_xacts where database = current_database()`;

/** User tables of this side and whether the link's publication carries each (LINKS, PROTOCOL 4.3). */
export const unpublishedTables = (publication: string): { text: string; values: string[] } => ({
  text: /* sql */ `
    select n.nspname as schema, c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and c.relpersistence = 'p'
      and n.nspname not in ('pg_catalog', 'information_schema', 'turnout')
      and n.nspname not like 'pg\\_%'
      and not exists (select 1 from pg_publication_tables p
        where p.pubname = $1 and (p.schemaname, p.tablename) = (n.nspname, c.relname))
    order by 1, 2`,
  values: [publication],
});
