import { readSchemaObjects } from '@turnout/postgres/catalog/schema-objects';
import { keyOf, type SchemaObject } from '@turnout/postgres/catalog/schema/schema-object';
import { hasRows, readTables, type Table } from '@turnout/postgres/catalog/tables';
import { readInstalled } from '@turnout/postgres/cluster/install';
import { quoteTable } from '@turnout/postgres/identifiers';
import type { Problem } from './finding.js';
import type { PreflightSubject, Requirement } from './requirement.js';

/** What DROP calls each kind that a dump creates and that may stand in its way. */
const DROPPED_AS: Readonly<Record<string, string>> = {
  schema: 'SCHEMA',
  table: 'TABLE',
  foreign_table: 'FOREIGN TABLE',
  view: 'VIEW',
  materialized_view: 'MATERIALIZED VIEW',
  sequence: 'SEQUENCE',
  function: 'FUNCTION',
  procedure: 'PROCEDURE',
  aggregate: 'AGGREGATE',
  enum: 'TYPE',
  domain: 'DOMAIN',
  range: 'TYPE',
  type: 'TYPE',
  collation: 'COLLATION',
  operator: 'OPERATOR',
  text_search_configuration: 'TEXT SEARCH CONFIGURATION',
  text_search_dictionary: 'TEXT SEARCH DICTIONARY',
  foreign_data_wrapper: 'FOREIGN DATA WRAPPER',
  foreign_server: 'SERVER',
  event_trigger: 'EVENT TRIGGER',
};

/** Schema `public` is in every database, and a dump does not create it. */
function standsInTheWay({ kind, name, partOf }: SchemaObject): boolean {
  return (
    DROPPED_AS[kind] !== undefined && partOf === null && keyOf({ kind, name }) !== 'schema public'
  );
}

/** What pg_dump would create a second time: it fails at the first of them. A schema stands for all in it. */
async function objectsInTheWay({ sessions }: PreflightSubject): Promise<Problem[]> {
  const blue = await readSchemaObjects(sessions.blue);
  const green = await readSchemaObjects(sessions.green);
  const wanted = new Set(blue.objects.map(keyOf));
  const found = green.objects.filter(
    (object) => standsInTheWay(object) && wanted.has(keyOf(object)),
  );
  const schemas = found.filter(({ kind }) => kind === 'schema').map(({ name }) => `${name}.`);
  return found
    .filter(({ kind, name }) => kind === 'schema' || !schemas.some((each) => name.startsWith(each)))
    .map(({ kind, name }) => ({
      side: 'green',
      object: `${kind.replaceAll('_', ' ')} ${name}`,
      what: 'exists',
      remedy: `DROP ${DROPPED_AS[kind]} IF EXISTS ${name} CASCADE;`,
    }));
}

/** Tables of the pair on both sides. */
async function commonTables({ pair, sessions }: PreflightSubject): Promise<Table[]> {
  const source = await readTables(sessions.blue, pair.tables);
  const names = new Set(source.map(quoteTable));
  const target = await readTables(sessions.green, pair.tables);
  return target.filter((table) => names.has(quoteTable(table)));
}

export const TARGET_REQUIREMENTS: readonly Requirement[] = [
  {
    id: 'target_tables',
    error: 'target_table_missing',
    severity: 'critical',
    ok: 'green has the tables, or the schema will be transferred',
    async wrong(subject) {
      const { pair, sessions } = subject;
      if (pair.schema.transfer === 'pg_dump') return [];
      const there = new Set((await commonTables(subject)).map(quoteTable));
      return (await readTables(sessions.blue, pair.tables))
        .filter((table) => !there.has(quoteTable(table)))
        .map((table) => ({
          side: 'green',
          object: quoteTable(table),
          what: 'is missing',
          remedy: null,
        }));
    },
  },
  {
    id: 'target_empty',
    error: 'target_not_empty',
    severity: 'critical',
    ok: 'the copy meets no rows on green, or it has run',
    async wrong(subject) {
      const { pair, sessions } = subject;
      if ((await readInstalled(sessions.green)) !== null) return [];
      if (pair.schema.transfer === 'pg_dump') return objectsInTheWay(subject);
      const found: Problem[] = [];
      for (const table of await commonTables(subject)) {
        if (table.kind === 'partitioned' || !(await hasRows(sessions.green, table))) continue;
        const object = quoteTable(table);
        const remedy = `TRUNCATE ${object} CASCADE;`;
        found.push({ side: 'green', object, what: 'has rows', remedy });
      }
      return found;
    },
  },
];
