import { readTables, type Table } from '@turnout/postgres/catalog/tables';
import { ensurePublication } from '@turnout/postgres/publications';
import type { Session } from '@turnout/postgres/session';
import { slotOf, type LinkSpec } from './link-spec.js';

/** Rows that carry signals between the links; see LINKS. */
const SIGNAL_TABLES = [
  { schema: 'turnout', name: 'marker' },
  { schema: 'turnout', name: 'progress' },
] as const;

/** Tables that hold rows of their own: partitioned roots hold none, unlogged ones are not decoded. */
export function ownTables(tables: readonly Table[]): Table[] {
  return tables.filter(({ kind, unlogged }) => kind !== 'partitioned' && !unlogged);
}

/** Publishes the tables of a link, leaf by leaf: through a root a TRUNCATE of a leaf would be lost. */
export async function publishTables(source: Session, spec: LinkSpec): Promise<void> {
  const tables = ownTables(await readTables(source, spec.tables));
  const names = tables.map(({ schema, name }) => ({ schema, name }));
  await ensurePublication(source, slotOf(spec), [...names, ...SIGNAL_TABLES], { viaRoot: false });
}
