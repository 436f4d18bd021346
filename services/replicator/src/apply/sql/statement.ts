/** A built statement: text with `$n` parameters and their values in text form. */
export interface BuiltStatement {
  readonly text: string;
  readonly values: readonly (string | null)[];
}

/**
 * Wraps a data-changing statement (with `returning 1`) so that the server itself compares the rows
 * it changed with `expected` (a literal or a parameter) and raises TRN02: a pipelined COMMIT behind
 * it can then never succeed.
 */
export function expecting(changing: string, table: string, expected: string): string {
  return /* sql */ `with changed as (${changing} returning 1) select turnout.expect(${table}, ${expected}, (select count(*) from changed))`;
}

/** Encodes values as a one-dimensional `text[]` literal. `NULL` unquoted is SQL NULL, quoted is a word. */
export function textArray(values: readonly (string | null)[]): string {
  let literal = '{';
  for (const [index, value] of values.entries()) {
    if (index > 0) literal += ',';
    if (value === null) literal += 'NULL';
    else if (/["\\]/.test(value)) literal += `"${value.replace(/["\\]/g, '\\$&')}"`;
    else literal += `"${value}"`;
  }
  return `${literal}}`;
}
