import { canonicalExpression, cut, outsideLiterals } from './canonical-expression.js';

/** The only relation behind the outer FROM: a name, and its alias if there is one. */
const ONE_RELATION =
  /^((?:\w+|"(?:[^"]|"")*")(?:\.(?:\w+|"(?:[^"]|"")*"))?)(?: ((?!WHERE|GROUP|ORDER|LIMIT|HAVING|WINDOW|UNION|EXCEPT|INTERSECT|OFFSET|FOR|FETCH)(?:\w+|"(?:[^"]|"")*")))?(?=$|;| (?:WHERE|GROUP|ORDER|LIMIT|HAVING|WINDOW|OFFSET|FOR|FETCH)\b)/;

/**
 * A view's query in one form: up to 15 the columns of a view over one relation print with its name in
 * front, from 16 on without, except inside its subqueries. Such a view loses this qualifier
 * everywhere; one over several relations keeps them all.
 */
export function canonicalView(definition: string): string {
  return outsideLiterals(canonicalExpression(definition), withoutQualifier);
}

function withoutQualifier(text: string): string {
  const found = ONE_RELATION.exec(cut(text, ' FROM ')?.[1] ?? '');
  if (!found) return text;
  const qualifier = found[2] ?? found[1]!.split('.').at(-1)!;
  return text.replaceAll(new RegExp(`(?<![\\w".])${escaped(qualifier)}\\.(?=[\\w"])`, 'g'), '');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
