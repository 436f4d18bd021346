import {
  canSetReplicaRole,
  readPrivileges,
  type Privileges,
} from '@turnout/postgres/catalog/privileges';
import { readServer } from '@turnout/postgres/catalog/server';
import { quoteIdent, quoteTable } from '@turnout/postgres/identifiers';
import type { Session } from '@turnout/postgres/session';
import { eachSide, type ProblemOfSide, type Requirement } from './requirement.js';

/** From here on the right to set a parameter can be granted; before, only superusers may. */
const GRANTABLE_PARAMETERS = 150_000;

async function missingPrivileges(session: Session): Promise<ProblemOfSide[]> {
  const { role, superuser, replication, createInDatabase } = await readPrivileges(session);
  const { version, database } = await readServer(session);
  const name = quoteIdent(role);
  const grantReplica =
    version >= GRANTABLE_PARAMETERS
      ? `GRANT SET ON PARAMETER session_replication_role TO ${name};`
      : `ALTER ROLE ${name} SUPERUSER;`;
  const wanted = [
    {
      held: replication || superuser,
      right: 'REPLICATION',
      remedy: `ALTER ROLE ${name} REPLICATION;`,
    },
    {
      held: createInDatabase,
      right: 'CREATE on the database',
      remedy: `GRANT CREATE ON DATABASE ${quoteIdent(database)} TO ${name};`,
    },
    {
      held: await canSetReplicaRole(session),
      right: 'SET session_replication_role',
      remedy: grantReplica,
    },
  ];
  return wanted
    .filter(({ held }) => !held)
    .map(({ right, remedy }) => ({ object: `role ${name}`, what: `lacks ${right}`, remedy }));
}

/** One membership covers all tables of an owner. */
function ownership({ role, tablesNotOwned }: Privileges): ProblemOfSide[] {
  return tablesNotOwned.map((table) => ({
    object: quoteTable(table),
    what: `belongs to ${quoteIdent(table.owner)}, role ${quoteIdent(role)} is no member of it`,
    remedy: `GRANT ${quoteIdent(table.owner)} TO ${quoteIdent(role)};`,
  }));
}

export const ROLE_REQUIREMENTS: readonly Requirement[] = [
  {
    id: 'privileges',
    error: 'privilege_missing',
    severity: 'critical',
    ok: 'the role may replicate, create the schema and act as a replica',
    wrong: (subject) => eachSide(subject, missingPrivileges),
  },
  {
    id: 'ownership',
    error: 'privilege_missing',
    severity: 'critical',
    ok: 'the role owns every table, so it can guard and unguard it',
    wrong: (subject) =>
      eachSide(subject, async (session) => ownership(await readPrivileges(session))),
  },
  {
    id: 'monitoring',
    error: 'monitoring_denied',
    severity: 'critical',
    ok: 'the role sees other sessions and standbys',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const { role, monitoring } = await readPrivileges(session);
        if (monitoring) return [];
        const name = quoteIdent(role);
        return [
          {
            object: `role ${name}`,
            what: 'reads NULL for states of other sessions and of standbys',
            remedy: `GRANT pg_monitor TO ${name};`,
          },
        ];
      }),
  },
];
