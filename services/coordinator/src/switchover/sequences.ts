import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { readSequences, setSequences } from './sql/sequences-sql.js';

export interface SequenceMove {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

interface SequenceRow {
  readonly name: string;
  readonly lastValue: bigint | null;
  readonly increment: bigint;
  readonly cache: bigint;
  readonly min: bigint;
  readonly max: bigint;
}

/** Increments by which `to` is set ahead: nextval passes the fence and cannot be copied exactly. */
export const SEQUENCE_MARGIN_INCREMENTS = 1_000n;

async function readAll(session: Session): Promise<SequenceRow[]> {
  const rows = await ask(session, readSequences);
  return rows.map((row) => ({
    name: row['name'] ?? '',
    lastValue: row['last_value'] == null ? null : BigInt(row['last_value']),
    increment: BigInt(row['increment_by'] ?? '1'),
    cache: BigInt(row['cache_size'] ?? '1'),
    min: BigInt(row['min_value'] ?? '1'),
    max: BigInt(row['max_value'] ?? '0'),
  }));
}

/** Where a sequence of `to` must stand, or null when it already stands there or beyond. */
export function sequenceTarget(from: SequenceRow, to: SequenceRow): bigint | null {
  if (from.lastValue === null) return null;
  const margin = from.cache > SEQUENCE_MARGIN_INCREMENTS ? from.cache : SEQUENCE_MARGIN_INCREMENTS;
  const ahead = from.lastValue + from.increment * margin;
  const wanted = ahead > to.max ? to.max : ahead < to.min ? to.min : ahead;
  if (to.lastValue === null) return wanted;
  const behind = from.increment > 0n ? to.lastValue < wanted : to.lastValue > wanted;
  return behind ? wanted : null;
}

/** Sets the sequences of `to` ahead of those of `from`, never backwards. */
export async function advanceSequences(from: Session, to: Session): Promise<SequenceMove[]> {
  const [source, target] = await Promise.all([readAll(from), readAll(to)]);
  const targets = new Map(target.map((row) => [row.name, row]));
  const moves = source.flatMap((row) => {
    const other = targets.get(row.name);
    const value = other ? sequenceTarget(row, other) : null;
    return value === null ? [] : [{ name: row.name, source: row.lastValue, value }];
  });
  if (moves.length > 0) await ask(to, setSequences(moves));
  return moves.map(({ name, source: last, value }) => ({
    name,
    from: String(last),
    to: String(value),
  }));
}
