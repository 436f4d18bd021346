import { fail } from '@turnout/contracts/errors';
import { CONTROL_MIGRATIONS } from '@turnout/postgres/generated/sql';
import { rowsOf, type Database, type Queryable } from './database.js';
import * as sql from './sql/migrations.js';
import type { TextRow } from '@turnout/postgres/sql/statement';

export interface Migration {
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
  readonly text: string;
}

/** What to install, after comparing what is there with what this version knows. */
function missing(
  known: readonly Migration[],
  installed: readonly TextRow<'id' | 'name' | 'checksum'>[],
): Migration[] {
  const checksums = new Map(installed.map((row) => [Number(row.id), row]));
  const newest = Math.max(0, ...known.map(({ id }) => id));
  for (const [id, { name, checksum }] of checksums) {
    if (id > newest) throw fail('store_newer', { installed: name, newest_known: newest });
    const ours = known.find((migration) => migration.id === id);
    if (ours?.checksum !== checksum) throw fail('migration_changed', { migration: name });
  }
  return known.filter(({ id }) => !checksums.has(id));
}

/** One text with many statements needs the simple protocol, which takes no name and no values. */
function runScript(transaction: Queryable, text: string): Promise<unknown> {
  return (transaction as unknown as { query(text: string): Promise<unknown> }).query(text);
}

/**
 * Brings the control store to this version, in one transaction under an advisory lock.
 * @throws TRN6003 when the store is newer, TRN6006 when an installed file was changed
 */
export async function migrate(
  database: Database,
  known: readonly Migration[] = CONTROL_MIGRATIONS,
): Promise<void> {
  await database.transaction(async (transaction) => {
    await transaction.query(sql.lockMigrations());
    await runScript(transaction, sql.MIGRATION_TABLE);
    const installed = await rowsOf<TextRow<'id' | 'name' | 'checksum'>>(
      transaction,
      sql.readMigrations(),
    );
    for (const { id, name, checksum, text } of missing(known, installed)) {
      await transaction.query(sql.insertMigration(id, name, checksum));
      await runScript(transaction, text);
    }
  });
}
