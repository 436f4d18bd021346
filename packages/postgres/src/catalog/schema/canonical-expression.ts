/** Stands for a quoted text or name while the rest is rewritten; no server prints this character. */
const MARK = '\u0001';
const MARKED = new RegExp(`${MARK}(\\d+)${MARK}`, 'g');
const LITERALS = /'(?:[^']|'')*'/g;
const QUOTED = /'(?:[^']|'')*'|"(?:[^"]|"")*"/g;
const CALL = /\b(TRIM|SUBSTRING|POSITION|OVERLAY|EXTRACT)\(/;

/** Place of the bracket that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let place = open; place < text.length; place += 1) {
    if (text[place] === '(') depth += 1;
    if (text[place] === ')') depth -= 1;
    if (depth === 0) return place;
  }
  return -1;
}

/** Splits at the first of the words that stands outside brackets; null when there is none. */
export function cut(text: string, word: string): [string, string] | null {
  let depth = 0;
  for (let place = 0; place < text.length; place += 1) {
    if (text[place] === '(') depth += 1;
    if (text[place] === ')') depth -= 1;
    if (depth === 0 && text.startsWith(word, place)) {
      return [text.slice(0, place), text.slice(place + word.length)];
    }
  }
  return null;
}

/** `a FROM b FOR c` → `a, b, c`, for those of the words that are there. */
function commas(text: string, words: readonly string[]): string {
  return words.reduce((rest, word) => cut(rest, word)?.join(', ') ?? rest, text);
}

function bare(text: string): string {
  return text.startsWith('(') && closing(text, 0) === text.length - 1 ? text.slice(1, -1) : text;
}

const TRIMS: Readonly<Record<string, string>> = {
  BOTH: 'btrim',
  LEADING: 'ltrim',
  TRAILING: 'rtrim',
};

/** One call in SQL syntax as the call of a function that it stands for; null for what it is not. */
function asFunction(word: string, inner: string): string | null {
  if (word === 'SUBSTRING') return `"substring"(${commas(inner, [' FROM ', ' FOR '])})`;
  if (word === 'OVERLAY') return `"overlay"(${commas(inner, [' PLACING ', ' FROM ', ' FOR '])})`;
  if (word === 'TRIM') {
    const [, side, rest] = /^(BOTH|LEADING|TRAILING) (.*)$/.exec(inner) ?? [];
    const parts = rest?.startsWith('FROM ') ? ['', rest.slice(5)] : cut(rest ?? '', ' FROM ');
    if (!side || !parts) return null;
    return `${TRIMS[side]}(${parts[1]}${parts[0] === '' ? '' : `, ${parts[0]}`})`;
  }
  const parts = cut(inner, word === 'POSITION' ? ' IN ' : ' FROM ');
  if (!parts) return null;
  if (word === 'POSITION') return `"position"(${bare(parts[1]!)}, ${bare(parts[0]!)})`;
  return `date_part('${parts[0]}'::text, ${parts[1]})`;
}

function rewriteCalls(text: string): string {
  const found = CALL.exec(text);
  if (!found) return text;
  const open = found.index + found[0].length - 1;
  const end = closing(text, open);
  if (end < 0) return text;
  const inner = rewriteCalls(text.slice(open + 1, end));
  const call = asFunction(found[1]!, inner) ?? `${found[0].toLowerCase()}${inner})`;
  return text.slice(0, found.index) + call + rewriteCalls(text.slice(end + 1));
}

/** `(x AT TIME ZONE z)` → `timezone(z, x)`, the innermost first. */
function rewriteZones(text: string): string {
  const zone = ' AT TIME ZONE ';
  const place = text.lastIndexOf(zone);
  if (place < 0) return text;
  let depth = 0;
  let open = place;
  while (open >= 0 && depth <= 0) {
    open -= 1;
    if (text[open] === ')') depth -= 1;
    if (text[open] === '(') depth += 1;
  }
  const end = open < 0 ? -1 : closing(text, open);
  if (end < 0) return text;
  const call = `timezone(${text.slice(place + zone.length, end)}, ${text.slice(open + 1, place)})`;
  return rewriteZones(text.slice(0, open) + call + text.slice(end + 1));
}

/** Rewrites what is outside of the parts that match, which come back as they were. */
function around(parts: RegExp, text: string, rewrite: (text: string) => string): string {
  const kept: string[] = [];
  const marked = text.replace(parts, (found) => `${MARK}${kept.push(found) - 1}${MARK}`);
  return rewrite(marked).replaceAll(MARKED, (_, place: string) => kept[Number(place)]!);
}

/** Rewrites names and syntax, never what stands in a literal. */
export function outsideLiterals(text: string, rewrite: (text: string) => string): string {
  return around(LITERALS, text, rewrite);
}

/**
 * An expression as servers up to 13 print it: from 14 on a call that was written in SQL syntax prints
 * in that syntax, before as the function it stands for. White space outside quotes is one blank.
 */
export function canonicalExpression(text: string): string {
  return around(QUOTED, text, (marked) =>
    rewriteZones(rewriteCalls(marked.replaceAll(/\s+/g, ' ').trim())),
  );
}
