import { fail } from '@turnout/contracts/errors';
import type { Session } from './session.js';

export interface Migration {
  readonly id: number;
  readonly name: string;
  readonly checksum: string;
  readonly text: string;
}

/** What is recorded as applied, lowest first; empty when the table does not exist yet. */
async function readApplied(
  session: Session,
  table: string,
): Promise<{ id: number; name: string; checksum: string }[]> {
  const exists = await session.query<{ found: string | null }>(
    /* sql */ `select to_regclass($1) as found`,
    [table],
  );
  if (!exists.rows[0]?.found) return [];
  const { rows } = await session.query<{ id: string; name: string; checksum: string }>(
    `select id, name, checksum from ${table} order by id`,
  );
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

/**
 * Applies what is missing, in order. The caller holds a transaction and a lock against others.
 * @returns names of the migrations applied
 * @throws TRN6006 when an applied migration has another checksum, TRN6003 when one is unknown here
 */
export async function applyMigrations(
  session: Session,
  table: string,
  migrations: readonly Migration[],
): Promise<string[]> {
  const applied = await readApplied(session, table);
  for (const { id, name, checksum } of applied) {
    const known = migrations.find((migration) => migration.id === id);
    if (!known) throw fail('store_newer', { migration: name });
    if (known.checksum !== checksum) throw fail('migration_changed', { migration: name });
  }
  const missing = migrations.filter(({ id }) => !applied.some((row) => row.id === id));
  for (const { id, name, checksum, text } of missing) {
    await session.query(text);
    await session.query(`insert into ${table} (id, name, checksum) values ($1, $2, $3)`, [
      id,
      name,
      checksum,
    ]);
  }
  return missing.map(({ name }) => name);
}
