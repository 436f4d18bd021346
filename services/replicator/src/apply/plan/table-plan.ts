import { fail } from '@turnout/contracts/errors';
import { quoteIdent, quoteTable } from '@turnout/postgres/identifiers';
import type { Relation } from '@turnout/postgres/pgoutput/messages';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** What the target's catalog says; see `sql/target-table.ts`. */
export interface TargetShape {
  readonly partitioned: boolean;
  readonly replicaTriggers: boolean;
  readonly exclusions: boolean;
  readonly columns: readonly {
    readonly name: string;
    readonly typeSchema: string;
    readonly typeName: string;
    readonly baseType: string;
    readonly composite: boolean;
    readonly generated: boolean;
    readonly identityAlways: boolean;
  }[];
  readonly uniques: readonly {
    readonly primary: boolean;
    readonly plain: boolean;
    readonly notNull: boolean;
    readonly columns: readonly string[];
  }[];
}

export interface PlanColumn {
  readonly name: string;
  readonly sql: string;
  /** Place in the rows of the relation. */
  readonly index: number;
  /** Type without modifier: a cast with one would cut values where an assignment refuses them. */
  readonly type: string;
  /** False for types without a usable equality; those compare by their text. */
  readonly comparable: boolean;
  readonly identityAlways: boolean;
}

/** How the rows of one source relation are written to its table on the target. */
export interface TablePlan {
  readonly table: string;
  /** Target of UPDATE and DELETE; `only` unless the table is partitioned. */
  readonly only: string;
  readonly sql: string;
  readonly partitioned: boolean;
  readonly columns: readonly PlanColumn[];
  /** Columns that find a row; empty when only the whole row can. */
  readonly key: readonly PlanColumn[];
  /** An update must be delete and insert: it may have changed a column that UPDATE may not name. */
  readonly rekeyAlways: boolean;
  readonly batchUpdates: boolean;
  readonly replicaTriggers: boolean;
  /** Statement texts by shape, built once. */
  readonly texts: Map<string, string>;
}

/** `=` on these is missing or means something else (box compares areas). */
const WITHOUT_EQUALITY = new Set(
  ['json', 'xml', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle'].flatMap((type) => [
    type,
    `_${type}`,
  ]),
);

/**
 * Maps a relation of the stream to its table on the target, columns by name.
 * @throws TRN3008 when a column is missing there
 */
export function planTable(relation: Relation, target: TargetShape): TablePlan {
  const byName = new Map(target.columns.map((column) => [column.name, column]));
  const table = `${relation.schema}.${relation.name}`;
  const columns = relation.columns.flatMap(({ name }, index): PlanColumn[] => {
    const column = byName.get(name);
    if (!column)
      throw fail('relation_mismatch', { table, column: name, reason: 'missing on the target' });
    if (column.generated) return [];
    return [
      {
        name,
        sql: quoteIdent(name),
        index,
        type: `${quoteIdent(column.typeSchema)}.${quoteIdent(column.typeName)}`,
        comparable: !column.composite && !WITHOUT_EQUALITY.has(column.baseType),
        identityAlways: column.identityAlways,
      },
    ];
  });
  const key = keyOf(relation, target, columns);
  const keyNames = new Set(key.map(({ name }) => name));
  const secondary = target.uniques.some(
    (unique) => !unique.plain || !unique.columns.every((name) => keyNames.has(name)),
  );
  const sql = quoteTable(relation);
  return {
    table,
    sql,
    only: target.partitioned ? sql : `only ${sql}`,
    partitioned: target.partitioned,
    columns,
    key,
    rekeyAlways: columns.some(({ identityAlways, name }) => identityAlways && !keyNames.has(name)),
    // A batch changes rows in no particular order: a second unique index could then meet a
    // transient that the source never had.
    batchUpdates: key.length > 0 && !secondary && !target.exclusions && !target.replicaTriggers,
    replicaTriggers: target.replicaTriggers,
    texts: new Map(),
  };
}

function keyOf(
  relation: Relation,
  target: TargetShape,
  columns: readonly PlanColumn[],
): PlanColumn[] {
  const named = (names: readonly string[]): PlanColumn[] | null => {
    const found = names.map((name) => columns.find((column) => column.name === name));
    return found.every((column) => column !== undefined) && found.length > 0 ? found : null;
  };
  if (relation.identity === 'default' || relation.identity === 'index') {
    const names = relation.columns.filter(({ key }) => key).map(({ name }) => name);
    return named(names) ?? [];
  }
  // Identity full marks every column; what identifies a row is the target's to say.
  for (const unique of target.uniques) {
    const key = unique.plain && unique.notNull ? named(unique.columns) : null;
    if (key) return key;
  }
  return [];
}
