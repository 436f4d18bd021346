import type { Row } from '@turnout/postgres/pgoutput/messages';
import { quoteLiteral } from '@turnout/postgres/identifiers';
import type { TablePlan } from '../plan/table-plan.js';
import { updateShape } from './update.js';
import { cellOf, isUnchanged, matchShape, matchSql, matchValues } from './row-match.js';
import type { BuiltStatement } from './statement.js';

/**
 * Replaces a row where an UPDATE may not: a column GENERATED ALWAYS AS IDENTITY cannot be named in
 * SET. Unchanged TOAST is taken from the row that goes.
 */
export function rekeyRow(plan: TablePlan, row: Row, old: Row | null): BuiltStatement {
  const named = old ?? row;
  const known = plan.columns.filter((column) => !isUnchanged(row, column));
  const shape = `rekey ${old === null} ${updateShape(plan, row)} ${matchShape(plan, named)}`;
  let text = plan.texts.get(shape);
  if (text === undefined) {
    const where = matchSql(plan, named, known.length + 1);
    const names = plan.columns.map((column) => column.sql).join(', ');
    const values = plan.columns.map((column) => {
      const spec = known.indexOf(column);
      return spec < 0 ? `o.${column.sql}` : `$${spec + 1}::${column.type}`;
    });
    text = /* sql */ `
      with gone as (delete from ${plan.only} where ${where} returning *),
      changed as (
        insert into ${plan.sql} (${names}) overriding system value
        select ${values.join(', ')} from gone as o returning 1)
      select turnout.expect(${quoteLiteral(plan.table)}, 1, (select count(*) from changed))`;
    plan.texts.set(shape, text);
  }
  return {
    text,
    values: [...known.map((column) => cellOf(row, column)), ...matchValues(plan, named)],
  };
}
