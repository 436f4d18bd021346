import { UNCHANGED, type Relation, type Row } from '@turnout/postgres/pgoutput/messages';

/** Where the changes of a published table are booked. */
export interface TrackedTable {
  readonly schema: string;
  readonly name: string;
  /** Name of the comparison unit: the table, or the partition root when the trees differ. */
  readonly unit: string;
  /** Columns that identify a row, in the unit's order; null when nothing does. */
  readonly keyColumns: readonly string[] | null;
}

/** Unknown tables answer undefined: their changes are booked on the table as a whole. */
export type TableLookup = (schema: string, name: string) => TrackedTable | undefined;

/** A relation as the reader uses it; resolved once for each relation message. */
export interface RelationKeys {
  readonly unit: string;
  /** Positions of the key columns in a row; null when rows cannot be told apart. */
  readonly positions: readonly number[] | null;
}

export function relationKeys(relation: Relation, lookup: TableLookup): RelationKeys {
  const table = lookup(relation.schema, relation.name);
  if (!table) return { unit: tableName(relation), positions: null };
  const positions = table.keyColumns?.map((wanted) =>
    relation.columns.findIndex(({ name }) => name === wanted),
  );
  const known = positions && positions.every((position) => position >= 0);
  return { unit: table.unit, positions: known ? positions : null };
}

/** Name of a table as reports and units write it. */
export function tableName({ schema, name }: { schema: string; name: string }): string {
  return `${schema}.${name}`;
}

/** Text of a key: the JSON array of its columns' texts. Unambiguous, unlike any joined form. */
export function keyText(cells: readonly string[]): string {
  return JSON.stringify(cells);
}

export function keyCells(key: string): string[] {
  return JSON.parse(key) as string[];
}

/**
 * Key of `row`; `old` answers for values that an update left in TOAST. Undefined when a column is
 * missing or null, which leaves only "some row of the table".
 */
export function keyOf(
  positions: readonly number[],
  row: Row,
  old: Row | undefined,
): string | undefined {
  const cells: string[] = [];
  for (const position of positions) {
    const own = row[position];
    const cell = own === UNCHANGED ? old?.[position] : own;
    if (typeof cell !== 'string') return undefined;
    cells.push(cell);
  }
  return keyText(cells);
}
