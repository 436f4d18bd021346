/** Bars would end a table cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|');

/** A table of text: head, rule and rows, one line each. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string[] {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((each) => cell(String(each))).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)];
}
