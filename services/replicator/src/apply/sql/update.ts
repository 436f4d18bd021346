import type { Row } from '@turnout/postgres/pgoutput/messages';
import { quoteLiteral } from '@turnout/postgres/identifiers';
import type { PlanColumn, TablePlan } from '../plan/table-plan.js';
import { cellOf, isUnchanged, matchShape, matchSql, matchValues } from './row-match.js';
import { type BuiltStatement, expecting, textArray } from './statement.js';

/** What an update writes: all that is known, minus what UPDATE may not name. */
function assigned(plan: TablePlan, row: Row, keyToo: boolean): PlanColumn[] {
  return plan.columns.filter(
    (column) =>
      !isUnchanged(row, column) && !column.identityAlways && (keyToo || !plan.key.includes(column)),
  );
}

/** Columns that `row` sets, as text; updates of one shape share a statement. */
export function updateShape(plan: TablePlan, row: Row): string {
  return plan.columns.map((column) => (isUnchanged(row, column) ? '-' : '+')).join('');
}

/** Updates the one row that `old` names to what `row` says; unchanged TOAST stays as it is. */
export function updateRow(plan: TablePlan, row: Row, old: Row | null): BuiltStatement {
  const named = old ?? row;
  const columns = assigned(plan, row, old !== null);
  const shape = `update ${old === null} ${updateShape(plan, row)} ${matchShape(plan, named)}`;
  let text = plan.texts.get(shape);
  if (text === undefined) {
    const sets = columns.map((column, spec) => `${column.sql} = $${spec + 1}::${column.type}`);
    const where = matchSql(plan, named, columns.length + 1);
    text =
      sets.length > 0
        ? expecting(
            /* sql */ `update ${plan.only} set ${sets.join(', ')} where ${where}`,
            quoteLiteral(plan.table),
            '1',
          )
        : // Nothing is left to write, but that the row exists is still asserted.
          /* sql */ `select turnout.expect(${quoteLiteral(plan.table)}, 1, (select count(*) from ${plan.only} where ${where}))`;
    plan.texts.set(shape, text);
  }
  return {
    text,
    values: [...columns.map((column) => cellOf(row, column)), ...matchValues(plan, named)],
  };
}

/** Updates a run of rows with distinct keys, all of one shape and none with a changed key. */
export function updateRows(plan: TablePlan, rows: readonly Row[]): BuiltStatement | null {
  const sample = rows[0];
  const columns = sample ? assigned(plan, sample, false) : [];
  if (!sample || columns.length === 0) return null;
  const all = [...columns, ...plan.key];
  const shape = `updates ${updateShape(plan, sample)}`;
  let text = plan.texts.get(shape);
  if (text === undefined) {
    const value = ({ type }: PlanColumn, spec: number): string => `u.c${spec}::${type}`;
    const sets = columns.map((column, spec) => `${column.sql} = ${value(column, spec)}`);
    const where = plan.key.map(
      (column, spec) => `t.${column.sql} = ${value(column, columns.length + spec)}`,
    );
    const arrays = all.map((_, spec) => `$${spec + 1}::text[]`).join(', ');
    const aliases = all.map((_, spec) => `c${spec}`).join(', ');
    text = expecting(
      /* sql */ `update ${plan.only} as t set ${sets.join(', ')} from unnest(${arrays}) as u (${aliases}) where ${where.join(' and ')}`,
      quoteLiteral(plan.table),
      `$${all.length + 1}::bigint`,
    );
    plan.texts.set(shape, text);
  }
  const values = all.map((column) => textArray(rows.map((row) => cellOf(row, column))));
  return { text, values: [...values, String(rows.length)] };
}
