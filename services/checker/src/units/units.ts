import { tableName, type TrackedTable } from './relation-keys.js';
import { columnForms, keyTypesAgree, type ComparedColumn } from './column-forms.js';

/** A table of the catalog as far as the comparison reads it. */
export interface CatalogTable {
  readonly schema: string;
  readonly name: string;
  readonly kind: 'table' | 'partitioned' | 'partition';
  readonly identity: 'default' | 'nothing' | 'full' | 'index';
  readonly columns: readonly ComparedColumn[];
  readonly primaryKey: readonly string[] | null;
  readonly identityKey: readonly string[] | null;
  readonly estimatedRows: number;
}

/** Expressions of one side in the order both sides share. */
export interface UnitSide {
  readonly schema: string;
  readonly table: string;
  /** One per column, ordered by column name. */
  readonly forms: readonly string[];
  /** One per key column. */
  readonly keyForms: readonly string[];
  readonly keyTypes: readonly string[];
}

/** What is compared as one: a table, a partition, or a partitioned table as a whole. */
export interface ComparisonUnit {
  readonly name: string;
  readonly columns: readonly string[];
  /** Null: rows cannot be told apart, the unit is compared as a multiset. */
  readonly key: readonly string[] | null;
  readonly source: UnitSide;
  readonly target: UnitSide;
  readonly estimatedRows: number;
}

/** A table that cannot be compared, with the reason a report shows. */
export interface Refusal {
  readonly unit: string;
  readonly reason: string;
}

/** Tables of one side and, by name, the root of each partition. */
export interface SideCatalog {
  readonly tables: readonly CatalogTable[];
  readonly roots: ReadonlyMap<string, string>;
}

export interface Units {
  readonly units: readonly ComparisonUnit[];
  readonly refusals: readonly Refusal[];
  /** Where changes of each published table are booked, by table name. */
  readonly tracked: ReadonlyMap<string, TrackedTable>;
}

/** Pairs the tables of both sides: leaves where the partition trees agree, roots where they differ. */
export function buildUnits(source: SideCatalog, target: SideCatalog): Units {
  const targets = new Map(target.tables.map((table) => [tableName(table), table]));
  const units: ComparisonUnit[] = [];
  const refusals: Refusal[] = [];
  const tracked = new Map<string, TrackedTable>();
  for (const table of source.tables) {
    const name = tableName(table);
    const root = source.roots.get(name);
    const byLeaf = sameLeaves(root ?? name, source, target);
    // Either the partitions are units and their root is none, or the other way round.
    const isUnit = root ? byLeaf : table.kind !== 'partitioned' || !byLeaf;
    if (table.kind !== 'partitioned') {
      const unit = root && !byLeaf ? root : name;
      tracked.set(name, { schema: table.schema, name: table.name, unit, keyColumns: null });
    }
    if (!isUnit) continue;
    const other = targets.get(name);
    const unit = other ? pairUnit(table, other) : 'the table does not exist on the target';
    if (typeof unit === 'string') refusals.push({ unit: name, reason: unit });
    else units.push(unit);
  }
  return { units, refusals, tracked: bookKeys(tracked, units) };
}

function pairUnit(source: CatalogTable, target: CatalogTable): ComparisonUnit | string {
  const others = new Map(target.columns.map((column) => [column.name, column]));
  const columns = [...source.columns].sort((a, b) => (a.name < b.name ? -1 : 1));
  const forms: { source: string; target: string }[] = [];
  for (const column of columns) {
    const other = others.get(column.name);
    if (!other) return `column ${column.name} does not exist on the target`;
    const form = columnForms(column, other);
    if (!form) return `column ${column.name}: ${column.typeName} against ${other.typeName}`;
    forms.push(form);
  }
  const key = keyOfTable(source);
  const typed = (key ?? []).map((name) => {
    const at = columns.findIndex((column) => column.name === name);
    return { own: columns[at]!, other: others.get(name)!, form: forms[at]! };
  });
  const odd = typed.find(({ own, other }) => !keyTypesAgree(own, other));
  if (odd) return `key column ${odd.own.name}: ${odd.own.typeName} against ${odd.other.typeName}`;
  const sideOf = (table: CatalogTable, role: 'source' | 'target'): UnitSide => ({
    schema: table.schema,
    table: table.name,
    forms: forms.map((form) => form[role]),
    keyForms: typed.map(({ form }) => form[role]),
    keyTypes: typed.map(({ own, other }) => (role === 'source' ? own : other).typeName),
  });
  return {
    name: tableName(source),
    columns: columns.map(({ name }) => name),
    key,
    source: sideOf(source, 'source'),
    target: sideOf(target, 'target'),
    estimatedRows: Math.max(source.estimatedRows, target.estimatedRows, 0),
  };
}

/** With identity `full` every column identifies; the primary key says it shorter, if there is one. */
function keyOfTable({ identity, identityKey, primaryKey }: CatalogTable): readonly string[] | null {
  if (identity === 'full') return primaryKey;
  return identityKey ?? primaryKey;
}

function sameLeaves(root: string, source: SideCatalog, target: SideCatalog): boolean {
  const [own, other] = [leavesOf(root, source), leavesOf(root, target)];
  return (
    own.length > 0 && own.length === other.length && own.every((leaf, at) => leaf === other[at])
  );
}

function leavesOf(root: string, { tables, roots }: SideCatalog): string[] {
  return tables
    .filter((table) => table.kind !== 'partitioned' && roots.get(tableName(table)) === root)
    .map(tableName)
    .sort();
}

/** A leaf is booked with the key of its unit: the root may have another one, or none. */
function bookKeys(
  tracked: ReadonlyMap<string, TrackedTable>,
  units: readonly ComparisonUnit[],
): Map<string, TrackedTable> {
  const keys = new Map(units.map(({ name, key }) => [name, key]));
  return new Map(
    [...tracked].map(([name, table]) => [
      name,
      { ...table, keyColumns: keys.get(table.unit) ?? null },
    ]),
  );
}
