import { readSequences, type Sequence } from '@turnout/postgres/catalog/sequences';
import { quoteTable } from '@turnout/postgres/identifiers';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { setSequences } from './sql/sequences-sql.js';

/** A sequence and where it stands on both sides. */
export interface SequenceMove {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Increments by which `to` is set ahead: nextval passes the fence and cannot be copied exactly. */
export const SEQUENCE_MARGIN_INCREMENTS = 1_000n;

/** Name as `regclass` reads it back on the other side. */
function nameOf({ schema, name }: Sequence): string {
  return quoteTable({ schema, name });
}

/** Where a sequence of `to` must stand, or null when it already stands there or beyond. */
export function sequenceTarget(from: Sequence, to: Sequence): bigint | null {
  if (from.lastValue === null) return null;
  const margin = from.cache > SEQUENCE_MARGIN_INCREMENTS ? from.cache : SEQUENCE_MARGIN_INCREMENTS;
  const ahead = from.lastValue + from.increment * margin;
  const wanted = ahead > to.max ? to.max : ahead < to.min ? to.min : ahead;
  if (to.lastValue === null) return wanted;
  const behind = from.increment > 0n ? to.lastValue < wanted : to.lastValue > wanted;
  return behind ? wanted : null;
}

/**
 * Sets the sequences of `to` ahead of those of `from`, never backwards.
 * @returns every sequence in use with its value on both sides, for the certificate
 */
export async function advanceSequences(from: Session, to: Session): Promise<SequenceMove[]> {
  const [source, target] = await Promise.all([readSequences(from), readSequences(to)]);
  const targets = new Map(target.map((row) => [nameOf(row), row]));
  const pairs = source.flatMap((row) => {
    const other = targets.get(nameOf(row));
    return other && row.lastValue !== null
      ? [{ name: nameOf(row), row, other, value: sequenceTarget(row, other) }]
      : [];
  });
  const moves = pairs.flatMap(({ name, value }) => (value === null ? [] : [{ name, value }]));
  if (moves.length > 0) await ask(to, setSequences(moves));
  return pairs.map(({ name, row, other, value }) => ({
    name,
    from: String(row.lastValue),
    to: String(value ?? other.lastValue),
  }));
}

/** What `advanceSequences` would do now, for the plan. */
export async function previewSequences(from: Session, to: Session): Promise<SequenceMove[]> {
  const [source, target] = await Promise.all([readSequences(from), readSequences(to)]);
  const targets = new Map(target.map((row) => [nameOf(row), row]));
  return source.flatMap((row) => {
    const other = targets.get(nameOf(row));
    if (!other || row.lastValue === null) return [];
    const value = sequenceTarget(row, other) ?? other.lastValue;
    return [{ name: nameOf(row), from: String(row.lastValue), to: String(value) }];
  });
}
