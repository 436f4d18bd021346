import { canonicalExpression, outsideLiterals } from './canonical-expression.js';

/** The only relation of the outer FROM: a name, and its alias if there is one. */
const ONE_RELATION =
  /\bFROM ((?:\w+|"(?:[^"]|"")*")(?:\.(?:\w+|"(?:[^"]|"")*"))?)(?: ((?!WHERE|GROUP|ORDER|LIMIT|HAVING|WINDOW|UNION|EXCEPT|INTERSECT|OFFSET|FOR|FETCH)(?:\w+|"(?:[^"]|"")*")))?(?=$|;| (?:WHERE|GROUP|ORDER|LIMIT|HAVING|WINDOW|OFFSET|FOR|FETCH)\b)/;

/**
 * A view's query in one form: up to 15 the columns of a view over one relation print with its name in
 * front, from 16 on without. Such a view loses the qualifier; one over several keeps them all.
 */
export function canonicalView(definition: string): string {
  return outsideLiterals(canonicalExpression(definition), withoutQualifier);
}

function withoutQualifier(text: string): string {
  if ((text.match(/\bFROM\b/g)?.length ?? 0) !== 1) return text;
  const found = ONE_RELATION.exec(text);
  if (!found) return text;
  const qualifier = found[2] ?? found[1]!.split('.').at(-1)!;
  return text.replaceAll(new RegExp(`(?<![\\w".])${escaped(qualifier)}\\.(?=[\\w"])`, 'g'), '');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
