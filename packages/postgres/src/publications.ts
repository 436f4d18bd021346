import { fail } from '@turnout/contracts/errors';
import { readPublication, readPublishable, type Publishable } from './catalog/publications.js';
import { quoteIdent, quoteTable } from './identifiers.js';
import type { Session } from './session.js';
import { inTransaction } from './transaction.js';

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
 *   fail for the application once it is published
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
  const settings = { lock_timeout: String(lockTimeoutMs) };
  const option = `publish_via_partition_root = ${viaRoot}`;
  await inTransaction(
    session,
    async () => {
      if (current && list !== '') {
        await session.query(`alter publication ${quoteIdent(name)} set table ${list}`);
        await session.query(`alter publication ${quoteIdent(name)} set (${option})`);
        return;
      }
      if (current) await session.query(`drop publication ${quoteIdent(name)}`);
      const tablesClause = list === '' ? '' : `for table ${list}`;
      await session.query(
        `create publication ${quoteIdent(name)} ${tablesClause} with (${option})`,
      );
    },
    { settings },
  );
  return true;
}

export async function dropPublication(session: Session, name: string): Promise<void> {
  await session.query(`drop publication if exists ${quoteIdent(name)}`);
}
