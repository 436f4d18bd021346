import type { Session } from '../session.js';

export interface UserTable {
  readonly schema: string;
  readonly name: string;
  /** Has the trigger, whatever its mode. */
  readonly guarded: boolean;
}

async function readUserTables(session: Session, condition: string): Promise<UserTable[]> {
  const { rows } = await session.query<
    Record<string, string>
  >(/* sql */ `select n.nspname as schema, c.relname as name, t.oid is not null as guarded
      from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        left join pg_trigger t on t.tgrelid = c.oid and t.tgname = 'turnout_guard' and not t.tgisinternal
      where c.relkind in ('r', 'p')
        and c.relpersistence <> 't'
        and n.nspname not in ('information_schema', 'turnout')
        and n.nspname !~ '^pg_'
        and ${condition}
      order by n.nspname, c.relname`);
  return rows.map((row) => ({
    schema: row['schema']!,
    name: row['name']!,
    guarded: row['guarded'] === 't',
  }));
}

/** User tables whose writers pass no guard: no trigger, or one that is off or not in ORIGIN mode. */
export function readUnguardedTables(session: Session): Promise<UserTable[]> {
  return readUserTables(session, `(t.oid is null or t.tgenabled <> 'O')`);
}

/**
 * Unguarded tables that the transaction of this session made: nobody else can see them yet. None where
 * Turnout is not installed.
 */
export function readOwnNewTables(session: Session): Promise<UserTable[]> {
  const made = `t.oid is null and c.xmin = pg_current_xact_id()::xid`;
  return readUserTables(session, `${made} and to_regproc('turnout.guard') is not null`);
}

export function readGuardedTables(session: Session): Promise<UserTable[]> {
  return readUserTables(session, `t.oid is not null`);
}
