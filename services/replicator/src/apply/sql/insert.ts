import type { Row } from '@turnout/postgres/pgoutput/messages';
import { quoteLiteral } from '@turnout/postgres/identifiers';
import type { TablePlan } from '../plan/table-plan.js';
import { cellOf } from './row-match.js';
import { type BuiltStatement, expecting, textArray } from './statement.js';

/** Inserts one row. Identity columns take the source's values. */
export function insertRow(plan: TablePlan, row: Row): BuiltStatement {
  const { columns, sql, table } = plan;
  let text = plan.texts.get('insert');
  if (text === undefined) {
    const names = columns.map((column) => column.sql).join(', ');
    const values = columns.map(({ type }, spec) => `$${spec + 1}::${type}`).join(', ');
    text = expecting(
      columns.length === 0
        ? /* sql */ `insert into ${sql} default values`
        : /* sql */ `insert into ${sql} (${names}) overriding system value values (${values})`,
      quoteLiteral(table),
      '1',
    );
    plan.texts.set('insert', text);
  }
  return { text, values: columns.map((column) => cellOf(row, column)) };
}

/** Inserts a run of rows; array elements are cast one by one, for unnest would flatten array columns. */
export function insertRows(plan: TablePlan, rows: readonly Row[]): BuiltStatement {
  const { columns, sql, table } = plan;
  let text = plan.texts.get('inserts');
  if (text === undefined) {
    const names = columns.map((column) => column.sql).join(', ');
    const arrays = columns.map((_, spec) => `$${spec + 1}::text[]`).join(', ');
    const aliases = columns.map((_, spec) => `c${spec}`).join(', ');
    const values = columns.map(({ type }, spec) => `u.c${spec}::${type}`).join(', ');
    text = expecting(
      /* sql */ `insert into ${sql} (${names}) overriding system value select ${values} from unnest(${arrays}) as u (${aliases})`,
      quoteLiteral(table),
      `$${columns.length + 1}::bigint`,
    );
    plan.texts.set('inserts', text);
  }
  const values = columns.map((column) => textArray(rows.map((row) => cellOf(row, column))));
  return { text, values: [...values, String(rows.length)] };
}
