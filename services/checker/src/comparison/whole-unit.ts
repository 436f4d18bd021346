import { keyCells } from '../units/relation-keys.js';
import type { ChangedKeys } from '../tracking/changed-keys.js';
import type { CheckSessions } from '../snapshots/check-sessions.js';
import { readBuckets, readColumnDigests, readKeyed, readMultiset } from './digest-reader.js';
import {
  compareKeyed,
  compareMultisets,
  differingBuckets,
  type RowDifference,
} from './row-differences.js';
import {
  bucketDigests,
  bucketMultiset,
  bucketRows,
  columnDigests,
  type Statement,
} from './sql/digests.js';
import type { ComparisonUnit, UnitSide } from '../units/units.js';

/** Rows a bucket should hold: few enough to fetch when it differs, many enough to keep sums few. */
const ROWS_PER_BUCKET = 64;
const BUCKETS_MAX = 16_384;
/** Differing buckets fetched with one scan. */
const BUCKETS_PER_FETCH = 2_048;
/** Differences kept per unit; a table that differs in all rows does not need all of them. */
export const DIFFERENCES_PER_UNIT_MAX = 1_000;
/** Differences whose columns are named. */
const NAMED_DIFFERENCES_MAX = 20;

export interface UnitComparison {
  /** Rows of the source that were really compared. */
  readonly rowsCompared: number;
  /** Real ones only: keys in flight are left out. */
  readonly differences: readonly RowDifference[];
}

type SessionPair = Pick<CheckSessions, 'source' | 'target'>;

/** True when rows of the unit may differ for reasons of time, and no one can tell which. */
export function isWhollyInFlight(
  { key }: ComparisonUnit,
  inFlight: ChangedKeys | undefined,
): boolean {
  return inFlight !== undefined && (key === null || inFlight.keys === null);
}

/**
 * Compares all rows of a unit inside the open snapshots. `inFlight` are the keys that one snapshot
 * only contains; the caller has made sure that it is not the whole unit.
 */
export async function compareWholeUnit(
  unit: ComparisonUnit,
  sessions: SessionPair,
  inFlight: ChangedKeys | undefined,
): Promise<UnitComparison> {
  const mask = bucketMask(unit.estimatedRows);
  const [source, target] = await Promise.all([
    readBuckets(sessions.source, bucketDigests(unit.source, mask)),
    readBuckets(sessions.target, bucketDigests(unit.target, mask)),
  ]);
  let rowsCompared = 0;
  for (const { rows } of source.values()) rowsCompared += Number(rows);
  const buckets = differingBuckets(source, target);
  const differences: RowDifference[] = [];
  for (let at = 0; at < buckets.length; at += BUCKETS_PER_FETCH) {
    const batch = buckets.slice(at, at + BUCKETS_PER_FETCH);
    const found = await compareBuckets(unit, sessions, mask, batch);
    for (const difference of found) {
      if (difference.key === null || !inFlight?.keys?.has(difference.key)) {
        differences.push(difference);
      }
    }
    if (differences.length >= DIFFERENCES_PER_UNIT_MAX) break;
  }
  const kept = differences.slice(0, DIFFERENCES_PER_UNIT_MAX);
  const skipped = inFlight?.keys?.size ?? 0;
  return {
    rowsCompared: Math.max(0, rowsCompared - skipped),
    differences: await nameColumns(unit, sessions, kept),
  };
}

/** A power of two minus one, from the estimate; a wrong estimate costs time and finds the same differences. */
export function bucketMask(estimatedRows: number): number {
  const wanted = Math.min(BUCKETS_MAX, Math.max(1, estimatedRows / ROWS_PER_BUCKET));
  return 2 ** Math.ceil(Math.log2(wanted)) - 1;
}

/** Adds the names of the columns that differ to the first few differences. */
export async function nameColumns(
  unit: ComparisonUnit,
  sessions: SessionPair,
  differences: readonly RowDifference[],
): Promise<RowDifference[]> {
  const { key } = unit;
  const named = differences
    .filter((each) => each.kind === 'changed' && each.key !== null)
    .slice(0, NAMED_DIFFERENCES_MAX);
  if (key === null || named.length === 0) return [...differences];
  const keys = named.map((each) => keyCells(each.key!));
  const read = (session: SessionPair['source'], side: UnitSide) =>
    readColumnDigests(session, columnDigests(side, key, keys), key.length);
  const [source, target] = await Promise.all([
    read(sessions.source, unit.source),
    read(sessions.target, unit.target),
  ]);
  return differences.map((each) => {
    const [own, other] = [source.get(each.key ?? ''), target.get(each.key ?? '')];
    if (!own || !other) return each;
    return { ...each, columns: unit.columns.filter((_, at) => own[at] !== other[at]) };
  });
}

async function compareBuckets(
  unit: ComparisonUnit,
  sessions: SessionPair,
  mask: number,
  buckets: readonly number[],
): Promise<RowDifference[]> {
  const { key } = unit;
  const both = <T>(
    read: (session: SessionPair['source'], statement: Statement) => Promise<T>,
    build: (side: UnitSide) => Statement,
  ) =>
    Promise.all([
      read(sessions.source, build(unit.source)),
      read(sessions.target, build(unit.target)),
    ]);
  if (key === null) {
    const counts = await both(readMultiset, (side) => bucketMultiset(side, mask, buckets));
    return compareMultisets(unit.name, ...counts);
  }
  const rows = await both(readKeyed, (side) => bucketRows(side, key, mask, buckets));
  return compareKeyed(unit.name, ...rows);
}
