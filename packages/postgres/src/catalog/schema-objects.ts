import { createHash } from 'node:crypto';
import type { Session } from '../session.js';
import { ACCESS } from './schema/access.js';
import { canonicalExpression } from './schema/canonical-expression.js';
import { canonicalView } from './schema/canonical-view.js';
import type { SchemaOfSide } from './schema/compare-schemas.js';
import { expectationOf } from './schema/expected-differences.js';
import { RARE_OBJECTS } from './schema/rare-objects.js';
import { RELATIONS } from './schema/relations.js';
import { ROUTINES_AND_TYPES } from './schema/routines-and-types.js';
import { keyOf, USER_OBJECTS, type SchemaObject } from './schema/schema-object.js';
import { TABLE_PARTS } from './schema/table-parts.js';
import { isSelected, type TableSelection } from './table-patterns.js';
import { ALL_TABLES } from './tables.js';

const FRAGMENTS = [
  ...RELATIONS,
  ...TABLE_PARTS,
  ...ROUTINES_AND_TYPES,
  ...ACCESS,
  ...RARE_OBJECTS,
] as const;

const QUERY = /* sql */ `
  with ${USER_OBJECTS},
  object (kind, name, part_of, follows, table_schema, table_name, definition) as (
    ${FRAGMENTS.join('\n  union all\n')}
  )
  select o.*, current_setting('server_version_num') as version from object o`;

/** How what majors print differently is brought into one form; everything else stays as it is. */
const CANONICAL: Readonly<Record<string, (definition: string) => string>> = {
  view: canonicalView,
  materialized_view: canonicalView,
  column: canonicalExpression,
  constraint: canonicalExpression,
  domain: canonicalExpression,
  index: canonicalExpression,
  policy: canonicalExpression,
  rule: canonicalExpression,
  statistics: canonicalExpression,
  trigger: canonicalExpression,
};

function objectOf(row: Record<string, string | null>): SchemaObject {
  const kind = row['kind']!;
  const definition = row['definition'] ?? '';
  return {
    kind,
    name: row['name']!,
    definition: CANONICAL[kind]?.(definition) ?? definition,
    partOf: row['part_of'] ?? null,
    follows: row['follows'] ?? null,
  };
}

/**
 * Everything of users that a `pg_dump -s` of the database would hold, in one statement and so in one
 * snapshot. What belongs to a table outside the selection is left out; objects of other kinds are not
 * selected by tables.
 */
export async function readSchemaObjects(
  session: Session,
  selection: TableSelection = ALL_TABLES,
): Promise<SchemaOfSide> {
  // A plan over this many catalogues is costed as worth compiling, which takes longer than it runs.
  await session.query(/* sql */ `select set_config('jit', 'off', false)`);
  const { rows } = await session.query<Record<string, string | null>>(QUERY);
  const selected = rows.filter(
    ({ table_schema: schema, table_name: name }) =>
      !schema || !name || isSelected({ schema, name }, selection),
  );
  return {
    major: Math.floor(Number(rows[0]?.['version'] ?? 0) / 10_000),
    objects: selected.map(objectOf),
  };
}

/** One short hash of what must be equal on both sides: equal where `compareSchemas` finds nothing. */
export function schemaFingerprint({ objects }: SchemaOfSide): string {
  const lines = objects
    .filter((object) => expectationOf(object) === undefined)
    .map((object) => `${keyOf(object)}\0${object.definition}`)
    .toSorted();
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32);
}
