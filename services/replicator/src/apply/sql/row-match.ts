import { must } from '@turnout/core/assert';
import { UNCHANGED, type Row } from '@turnout/postgres/pgoutput/messages';
import type { PlanColumn, TablePlan } from '../plan/table-plan.js';

/** A row's cell as a parameter. */
export function cellOf(row: Row, column: PlanColumn): string | null {
  const value = row[column.index];
  return value === UNCHANGED || value === undefined ? null : value;
}

export function isUnchanged(row: Row, column: PlanColumn): boolean {
  return row[column.index] === UNCHANGED;
}

/** Which columns of a whole-row match are null or unknown: NULLs need another predicate. */
export function matchShape(plan: TablePlan, row: Row): string {
  if (plan.key.length > 0) return 'k';
  return plan.columns
    .map((column) => (isUnchanged(row, column) ? 'u' : row[column.index] === null ? 'n' : 'v'))
    .join('');
}

/** Parameters of the predicate that `matchSql` builds for the same row. */
export function matchValues(plan: TablePlan, row: Row): (string | null)[] {
  if (plan.key.length > 0) return plan.key.map((column) => cellOf(row, column));
  return plan.columns.map((column) => cellOf(row, column)).filter((value) => value !== null);
}

/**
 * The predicate that finds exactly the row `row` names, parameters from `$first` on. Without a key
 * it picks one of several identical rows, as the source did.
 */
export function matchSql(plan: TablePlan, row: Row, first: number): string {
  if (plan.key.length > 0) {
    return plan.key
      .map((column, spec) => `${column.sql} = $${first + spec}::${column.type}`)
      .join(' and ');
  }
  let parameter = first;
  const conditions = plan.columns.flatMap((column) => {
    if (isUnchanged(row, column)) return [];
    if (row[column.index] === null) return [`${column.sql} is null`];
    const value = `$${parameter++}::${column.type}`;
    return column.comparable
      ? [`${column.sql} = ${value}`]
      : [`${column.sql}::text = (${value})::text`];
  });
  const where = conditions.length > 0 ? ` where ${conditions.join(' and ')}` : '';
  // A ctid is unique within one partition only.
  return plan.partitioned
    ? `(tableoid, ctid) = (select tableoid, ctid from ${plan.only}${where} limit 1)`
    : `ctid = (select ctid from ${plan.only}${where} limit 1)`;
}

/** Identity of a row within a batch, from its key cells. */
export function keyText(plan: TablePlan, row: Row): string {
  if (plan.key.length === 1) return String(cellOf(row, must(plan.key[0], 'a key column')));
  return JSON.stringify(plan.key.map((column) => cellOf(row, column)));
}
