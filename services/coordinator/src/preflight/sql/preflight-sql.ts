export const serverFacts = /* sql */ `
  select current_setting('server_version_num')::int as version,
    current_setting('server_version') as version_text,
    current_setting('wal_level') as wal_level,
    current_setting('max_replication_slots')::int
      - (select count(*) from pg_replication_slots) as slots_free,
    current_setting('max_wal_senders')::int
      - (select count(*) from pg_stat_replication) as senders_free,
    (select system_identifier from pg_control_system())::text as system_identifier,
    (select oid from pg_database where datname = current_database())::text as database_oid`;

/** Privileges that the protocol uses, each probed rather than assumed. */
export const privileges = /* sql */ `
  select r.rolsuper as superuser, r.rolreplication or r.rolsuper as replication,
    has_database_privilege(current_database(), 'create') as create_schema
  from pg_roles r where r.rolname = current_user`;

/** Tables whose updates cannot be identified on the other side. */
export const tablesWithoutIdentity = /* sql */ `
  select n.nspname as schema, c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relpersistence = 'p'
    and n.nspname not in ('pg_catalog', 'information_schema', 'turnout')
    and n.nspname not like 'pg\\_%'
    and (c.relreplident = 'n' or (c.relreplident = 'd' and not exists (
      select 1 from pg_index i where i.indrelid = c.oid and i.indisprimary)))
  order by 1, 2`;

export const alwaysEventTriggers = /* sql */ `
  select evtname as name from pg_event_trigger where evtenabled in ('A', 'R') order by 1`;

export const preparedTransactions = /* sql */ `
  select count(*) as count from pg_prepared_xacts where database = current_database()`;

/** Pair this database belongs to already, or no row; asked only when the schema is there. */
export const installedPair = /* sql */ `select pair, side from turnout.side`;

export const schemaInstalled = /* sql */ `
  select to_regclass('turnout.side') is not null as installed`;

/** `rel` is the quoted name, for a statement about the table. */
export const userTables = /* sql */ `
  select n.nspname as schema, c.relname as name,
    quote_ident(n.nspname) || '.' || quote_ident(c.relname) as rel
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relpersistence = 'p'
    and n.nspname not in ('pg_catalog', 'information_schema', 'turnout')
    and n.nspname not like 'pg\\_%'
  order by 1, 2`;

/** Whether a table, named as `userTables` quotes it, holds anything. */
export function hasRows(rel: string): string {
  return /* sql */ `select exists (select from ${rel}) as found`;
}
