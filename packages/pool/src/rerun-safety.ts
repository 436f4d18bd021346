/** Literals, quoted names, dollar quotes and comments: a semicolon in them separates nothing. */
const OPAQUE =
  /[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\//g;

/** Statements that cannot commit on their own; CALL and DO can, and so can BEGIN … COMMIT. */
const ATOMIC =
  /^\(*\s*(?:select|insert|update|delete|merge|with|values|table|truncate|execute|explain)\b/i;

/**
 * Whether `text` as a whole is one atomic unit, so that a refusal proves that none of it was
 * committed. What is not recognised is not atomic: it is then not rerun, which is always safe.
 */
export function isAtomic(text: string): boolean {
  return text
    .replace(OPAQUE, ' ')
    .split(';')
    .map((statement) => statement.trim())
    .every((statement) => statement === '' || ATOMIC.test(statement));
}
