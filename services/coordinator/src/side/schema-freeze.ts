import { createHash } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import { objectName } from '@turnout/core/object-names';
import { directionFrom, type Side } from '@turnout/core/sides';
import { readColumnShapes } from '@turnout/postgres/catalog/column-shape';
import { isSelected } from '@turnout/postgres/catalog/table-patterns';
import type { Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { unpublishedTables } from '../gates/sql/gate-sql.js';

/** Fingerprint of each side as the gates saw it. */
export type SchemaSeen = Readonly<Record<Side, string>>;

export interface SchemaView extends SchemaSeen {
  /** What differs between the sides, by kind and name. */
  readonly differences: readonly string[];
}

/**
 * One hash over the replicated tables of a side. Read at arm and again under the fence, it shows a
 * table created or altered in between; read on both sides, it shows whether they fit.
 */
export async function readFingerprint(session: Session, pair: ResolvedPair): Promise<string> {
  const shapes = await readColumnShapes(session, pair.tables);
  const text = shapes
    .map(({ schema, name, columns }) => `${schema}.${name}: ${columns}`)
    .join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

export async function readSchemaSeen(
  control: Readonly<Record<Side, Session>>,
  pair: ResolvedPair,
  from: Side,
): Promise<SchemaView> {
  const [blue, green] = await Promise.all([
    readFingerprint(control.blue, pair),
    readFingerprint(control.green, pair),
  ]);
  const { rows } = await control[from].query<{ schema: string; name: string }>(
    unpublishedTables(objectName(pair.name, directionFrom(from))),
  );
  const unpublished = rows.filter((table) => isSelected(table, pair.tables));
  return {
    blue,
    green,
    differences: [
      ...(blue === green ? [] : ['tables or columns']),
      ...unpublished.map(({ schema, name }) => `table ${schema}.${name} is not replicated`),
    ],
  };
}

/** @throws TRN5024 when the side is not what the gates saw */
export async function requireSameSchema(
  session: Session,
  pair: ResolvedPair,
  seen: SchemaSeen,
  side: Side,
): Promise<void> {
  const fingerprint = await readFingerprint(session, pair);
  if (fingerprint !== seen[side]) {
    throw fail('schema_changed', { side, reason: 'it changed since the gates were read' });
  }
}
