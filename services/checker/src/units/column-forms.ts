import { quoteIdent } from '@turnout/postgres/identifiers';

/** A column as the comparison needs it; a subset of the catalog's. */
export interface ComparedColumn {
  readonly name: string;
  /** As `format_type` prints it, modifier included. */
  readonly typeName: string;
}

const INTEGERS = new Set(['smallint', 'integer', 'bigint']);
const TEXTS = new Set(['text', 'character varying']);
const FLOATS = new Set(['real', 'double precision']);
const TIMES = /^(timestamp|time)(\(\d+\))?( with(out)? time zone)$/;

/** Alias of the compared table in every statement; columns are always qualified with it. */
export const ROW_ALIAS = 't';

/**
 * Expressions of one column on both sides that print alike exactly when the values agree. With equal
 * types that is the column itself. With unequal ones both go to a common form that loses nothing;
 * null when there is none, for narrowing the source would hide what the target cut off.
 */
export function columnForms(
  source: ComparedColumn,
  target: ComparedColumn,
): { source: string; target: string } | null {
  const column = `${ROW_ALIAS}.${quoteIdent(source.name)}`;
  if (source.typeName === target.typeName) {
    // High-bit "char" prints differently since 15.
    const form = source.typeName === '"char"' ? `ascii(${column})` : column;
    return { source: form, target: form };
  }
  const common = commonType(source.typeName, target.typeName);
  if (common === null) return null;
  if (common === 'double precision') {
    // The stream carries text, so the target read the printed real, not its binary value.
    return { source: `${column}::text::${common}`, target: `${column}::text::${common}` };
  }
  const cast = `${column}::${common}`;
  const form = common === 'numeric' ? `trim_scale(${cast})` : cast;
  return { source: form, target: form };
}

/** Key columns must print alike as they are: the stream brings them without any cast. */
export function keyTypesAgree(source: ComparedColumn, target: ComparedColumn): boolean {
  const [one, other] = [baseOf(source.typeName), baseOf(target.typeName)];
  if (source.typeName === target.typeName) return true;
  return (INTEGERS.has(one) && INTEGERS.has(other)) || (TEXTS.has(one) && TEXTS.has(other));
}

function commonType(source: string, target: string): string | null {
  const [one, other] = [baseOf(source), baseOf(target)];
  const numbers = [one, other].every((name) => INTEGERS.has(name) || name === 'numeric');
  if (numbers) return 'numeric';
  if (TEXTS.has(one) && TEXTS.has(other)) return 'text';
  if (FLOATS.has(one) && FLOATS.has(other)) return 'double precision';
  const [sourceTime, targetTime] = [TIMES.exec(source), TIMES.exec(target)];
  if (sourceTime && targetTime) {
    const [plain, otherPlain] = [sourceTime, targetTime].map((m) => `${m![1]}${m![3]}`);
    return plain === otherPlain ? plain! : null;
  }
  return null;
}

function baseOf(typeName: string): string {
  return typeName.replace(/\(.*\)$/, '');
}
