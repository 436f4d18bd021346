import type { Session } from '../session.js';

/** A transaction that holds a lock which only a writer takes; a prepared one has no process. */
export interface WriterLock {
  /** Names the transaction, prepared ones included. */
  readonly virtualTransaction: string;
  readonly pid: number | null;
  readonly applicationName: string | null;
  readonly state: string | null;
  /** Age of the transaction; null for a prepared one. */
  readonly ageMs: number | null;
  /** Strongest mode it holds on a user relation. */
  readonly mode: string;
  /** Relations, by name where the catalogue shows them and by OID where not. */
  readonly relations: readonly string[];
  /** Waits for the turnstile: an armed writer that the fence has stopped. */
  readonly queued: boolean;
  /** Holds the turnstile: an armed writer the fence has to wait for. */
  readonly passed: boolean;
}

/**
 * Transactions with a writer's lock on any user relation of this database, by lock and not by
 * catalogue: a table made in an open transaction is not visible there. Left out are the sessions of
 * Turnout, temporary tables, and what readers and nobody's writes take: sequences (`nextval` passes
 * the fence) and indexes (vacuum opens them in a writer's mode; a writer holds its table besides).
 */
export async function readWriterLocks(session: Session): Promise<WriterLock[]> {
  const { rows } = await session.query<Record<string, string | null>>(/* sql */ `with turnstile as (
        select virtualtransaction, bool_or(not granted) as queued, bool_or(granted) as passed
        from pg_locks
        where locktype = 'relation' and relation = to_regclass('turnout.turnstile')
          and database = (select oid from pg_database where datname = current_database())
        group by virtualtransaction
      )
      select l.virtualtransaction as virtual_transaction, min(l.pid) as pid,
        min(a.application_name) as application_name, min(a.state) as state,
        extract(epoch from clock_timestamp() - min(a.xact_start)) * 1000 as age_ms,
        (array_agg(l.mode order by array_position(array['AccessExclusiveLock', 'ExclusiveLock',
          'ShareRowExclusiveLock', 'RowExclusiveLock'], l.mode)))[1] as mode,
        json_agg(distinct l.relation::regclass::text) as relations,
        coalesce(bool_or(t.queued), false) as queued,
        coalesce(bool_or(t.passed), false) as passed
      from pg_locks l
        left join pg_stat_activity a on a.pid = l.pid
        left join turnstile t on t.virtualtransaction = l.virtualtransaction
      where l.locktype = 'relation'
        and l.granted
        and l.database = (select oid from pg_database where datname = current_database())
        and l.relation >= 16384
        and l.mode in
          ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        and l.pid is distinct from pg_backend_pid()
        and coalesce(a.application_name, '') not like 'turnout/%'
        and coalesce(a.backend_type, '') <> 'autovacuum worker'
        and not exists (
          select from pg_class c
          where c.oid = l.relation
            and (c.relpersistence = 't' or c.relkind in ('i', 'I', 'S')
              or c.relnamespace = to_regnamespace('turnout')))
      group by l.virtualtransaction
      order by min(a.xact_start) nulls first`);
  return rows.map((row) => ({
    virtualTransaction: row['virtual_transaction']!,
    pid: row['pid'] ? Number(row['pid']) : null,
    applicationName: row['application_name'] ?? null,
    state: row['state'] ?? null,
    ageMs: row['age_ms'] ? Number(row['age_ms']) : null,
    mode: row['mode']!,
    relations: JSON.parse(row['relations']!) as string[],
    queued: row['queued'] === 't',
    passed: row['passed'] === 't',
  }));
}

/** Who stands in the way of a lock that keeps writers out of a table, the oldest first. */
export interface TableHolder {
  readonly pid: number | null;
  /** Application name, `autovacuum worker`, or `prepared transaction`. */
  readonly holder: string;
  readonly mode: string;
}

export async function readTableHolder(
  session: Session,
  { schema, name }: { readonly schema: string; readonly name: string },
): Promise<TableHolder | null> {
  const { rows } = await session.query<Record<string, string | null>>(
    /* sql */ `select l.pid, l.mode,
        case when l.pid is null then 'prepared transaction'
          when a.backend_type = 'autovacuum worker' then a.backend_type
          else coalesce(nullif(a.application_name, ''), a.backend_type, 'unknown') end as holder
      from pg_locks l
        join pg_class c on c.oid = l.relation
        join pg_namespace n on n.oid = c.relnamespace
        left join pg_stat_activity a on a.pid = l.pid
      where n.nspname = $1 and c.relname = $2 and l.granted
        and l.database = (select oid from pg_database where datname = current_database())
        and l.mode not in ('AccessShareLock', 'RowShareLock')
        and l.pid is distinct from pg_backend_pid()
      order by a.xact_start nulls first limit 1`,
    [schema, name],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    pid: row['pid'] ? Number(row['pid']) : null,
    holder: row['holder']!,
    mode: row['mode']!,
  };
}

export interface PreparedTransaction {
  readonly gid: string;
  readonly xid: string;
  readonly owner: string;
  readonly preparedAt: string;
}

/** Two-phase transactions of this database that wait for their second phase. */
export async function readPreparedTransactions(session: Session): Promise<PreparedTransaction[]> {
  const { rows } = await session.query<
    Record<string, string>
  >(/* sql */ `select gid, transaction as xid, owner, prepared as prepared_at
      from pg_prepared_xacts where database = current_database() order by prepared`);
  return rows.map((row) => ({
    gid: row['gid']!,
    xid: row['xid']!,
    owner: row['owner']!,
    preparedAt: row['prepared_at']!,
  }));
}
