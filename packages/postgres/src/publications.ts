import { fail } from '@turnout/contracts/errors';
import { readPublication, readPublishable, type Publishable } from './catalog/publications.js';
import { databaseErrorNames, sqlState } from './database-error.js';
import { quoteIdent, quoteTable } from './identifiers.js';
import { inReplicaRole } from './replica-role.js';
import { serverFacts } from './database-error.js';
import type { Session } from './session.js';

export interface PublicationOptions {
  /** Publish changes of partitions under the name of their root. */
  readonly viaRoot: boolean;
  /** How long to wait for DDL or a vacuum of a table, 5 s unless given. */
  readonly lockTimeoutMs?: number | undefined;
}

interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** ONLY keeps children of plain inheritance out; a partitioned root does not take it. */
function tableClause(table: Publishable): string {
  return `${table.partitioned ? '' : 'only '}${quoteTable(table)}`;
}

/**
 * Makes the publication hold exactly these tables; does nothing when it does already.
 * @returns whether anything was changed
 * @throws TRN2014 for a table that does not exist; TRN2013 for one whose updates and deletes would
 *   fail for the application once it is published; TRN2025 when the server refuses a statement
 */
export async function ensurePublication(
  session: Session,
  name: string,
  tables: readonly TableName[],
  { viaRoot, lockTimeoutMs = 5_000 }: PublicationOptions,
): Promise<boolean> {
  const found = await readPublishable(session, tables);
  const keyOf = ({ schema, name }: TableName): string => `${schema}\0${name}`;
  const byKey = new Map(found.map((table) => [keyOf(table), table]));
  const wanted = tables.map((table) => {
    const known = byKey.get(keyOf(table));
    if (!known) throw fail('target_table_missing', { table: `${table.schema}.${table.name}` });
    if (known.withoutIdentity !== null)
      throw fail('replica_identity_missing', { table: known.withoutIdentity });
    return known;
  });
  const current = await readPublication(session, name);
  const same =
    current !== null &&
    current.viaRoot === viaRoot &&
    current.tables.length === byKey.size &&
    current.tables.every((table) => byKey.has(keyOf(table)));
  if (same) return false;

  const list = wanted.map(tableClause).join(', ');
  const option = `publish_via_partition_root = ${viaRoot}`;
  const quoted = quoteIdent(name);
  const statements =
    current && list !== ''
      ? [
          `alter publication ${quoted} set table ${list}`,
          `alter publication ${quoted} set (${option})`,
        ]
      : [
          ...(current ? [`drop publication ${quoted}`] : []),
          `create publication ${quoted} ${list === '' ? '' : `for table ${list}`} with (${option})`,
        ];
  await runDdl(session, name, statements, { lock_timeout: String(lockTimeoutMs) });
  return true;
}

/** @throws TRN2025 with what the server said */
export async function dropPublication(session: Session, name: string): Promise<void> {
  await runDdl(session, name, [`drop publication if exists ${quoteIdent(name)}`]);
}

/** In replica role: an event trigger that logs DDL into a guarded table would refuse ours (D23). */
async function runDdl(
  session: Session,
  publication: string,
  statements: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await inReplicaRole(
      session,
      async () => {
        for (const statement of statements) await session.query(statement);
      },
      settings,
    );
  } catch (thrown) {
    if (sqlState(thrown) === null) throw thrown;
    const { table, schema } = databaseErrorNames(thrown);
    throw fail(
      'ddl_refused',
      {
        object: `publication ${publication}`,
        ...serverFacts(thrown),
        ...(table === null ? {} : { table: `${schema}.${table}` }),
      },
      thrown,
    );
  }
}
