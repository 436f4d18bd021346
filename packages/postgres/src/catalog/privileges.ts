import { sqlState } from '../database-error.js';
import type { Session } from '../session.js';

export interface Privileges {
  readonly role: string;
  readonly superuser: boolean;
  /** By attribute; some managed servers grant replication by membership instead. */
  readonly replication: boolean;
  readonly bypassRowSecurity: boolean;
  /** Needed for the schema `turnout` and for publications. */
  readonly createInDatabase: boolean;
  /** Sees states of other sessions and of standbys; without it they read as NULL, not as refused. */
  readonly monitoring: boolean;
  /** Tables the role does not own: it could neither guard nor unguard nor publish them. */
  readonly tablesNotOwned: readonly NotOwned[];
}

export interface NotOwned {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
}

/** What the role of the session may do in its database. */
export async function readPrivileges(session: Session): Promise<Privileges> {
  const { rows } = await session.query<
    Record<string, string>
  >(/* sql */ `select r.rolname as role, r.rolsuper as superuser, r.rolreplication as replication,
        r.rolbypassrls as bypass_rls,
        has_database_privilege(current_database(), 'create') as create_in_database,
        pg_has_role(current_user, 'pg_read_all_stats', 'usage') as monitoring,
        (select coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname,
             'owner', pg_get_userbyid(c.relowner)) order by n.nspname, c.relname), '[]')
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p') and c.relpersistence <> 't'
            and n.nspname not in ('information_schema', 'turnout') and n.nspname !~ '^pg_'
            and not pg_has_role(c.relowner, 'usage')) as tables_not_owned
      from pg_roles r where r.rolname = current_user`);
  const row = rows[0]!;
  return {
    role: row['role']!,
    superuser: row['superuser'] === 't',
    replication: row['replication'] === 't',
    bypassRowSecurity: row['bypass_rls'] === 't',
    createInDatabase: row['create_in_database'] === 't',
    monitoring: row['monitoring'] === 't',
    tablesNotOwned: JSON.parse(row['tables_not_owned']!) as NotOwned[],
  };
}

/** Tried rather than derived: from 15 on the right can be granted, and 13 cannot even ask for it. */
export async function canSetReplicaRole(session: Session): Promise<boolean> {
  try {
    await session.query(/* sql */ `begin; set local session_replication_role = replica`);
    return true;
  } catch (thrown) {
    if (sqlState(thrown) === '42501') return false;
    throw thrown;
  } finally {
    await session.query('rollback');
  }
}
