import type { Row } from '@turnout/postgres/pgoutput/messages';
import { quoteLiteral } from '@turnout/postgres/identifiers';
import type { TablePlan } from '../plan/table-plan.js';
import { cellOf, matchShape, matchSql, matchValues } from './row-match.js';
import { type BuiltStatement, expecting, textArray } from './statement.js';

export function deleteRow(plan: TablePlan, old: Row): BuiltStatement {
  const shape = `delete ${matchShape(plan, old)}`;
  let text = plan.texts.get(shape);
  if (text === undefined) {
    text = expecting(
      /* sql */ `delete from ${plan.only} where ${matchSql(plan, old, 1)}`,
      quoteLiteral(plan.table),
      '1',
    );
    plan.texts.set(shape, text);
  }
  return { text, values: matchValues(plan, old) };
}

/** Deletes a run of rows with distinct keys. */
export function deleteRows(plan: TablePlan, rows: readonly Row[]): BuiltStatement {
  let text = plan.texts.get('deletes');
  if (text === undefined) {
    const arrays = plan.key.map((_, spec) => `$${spec + 1}::text[]`).join(', ');
    const aliases = plan.key.map((_, spec) => `c${spec}`).join(', ');
    const where = plan.key.map(({ sql, type }, spec) => `t.${sql} = u.c${spec}::${type}`);
    text = expecting(
      /* sql */ `delete from ${plan.only} as t using unnest(${arrays}) as u (${aliases}) where ${where.join(' and ')}`,
      quoteLiteral(plan.table),
      `$${plan.key.length + 1}::bigint`,
    );
    plan.texts.set('deletes', text);
  }
  const values = plan.key.map((column) => textArray(rows.map((row) => cellOf(row, column))));
  return { text, values: [...values, String(rows.length)] };
}
