interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface TableSelection {
  /** Empty means every table. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

function expressionOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`);
}

/** `schema.table` with `*` for any text; a pattern without a dot names a table of any schema. */
export function matchesPattern(pattern: string, { schema, name }: TableName): boolean {
  return expressionOf(pattern).test(pattern.includes('.') ? `${schema}.${name}` : name);
}

/** Exclusion wins over inclusion. */
export function isSelected(table: TableName, { include, exclude }: TableSelection): boolean {
  const included =
    include.length === 0 || include.some((pattern) => matchesPattern(pattern, table));
  return included && !exclude.some((pattern) => matchesPattern(pattern, table));
}
