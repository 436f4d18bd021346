import { percentile } from '@turnout/core/quantities';
import { readLedger } from './ledger-file.js';

export interface Stalls {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** A span of shared monotonic milliseconds. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * For each writer the longest time between two of its acknowledgements that touches `span`;
 * percentiles over the writers.
 *
 * @param watched from the start of the writers to the moment they were told to stop
 */
export async function stalls(files: readonly string[], span: Span, watched: Span): Promise<Stalls> {
  const longest = await longestGaps(files, span, watched);
  const rank = (percent: number): number | null => percentile(longest, percent);
  return { p50: rank(50), p99: rank(99), max: rank(100) };
}

/** One value a writer: the longest gap in its ledger that touches `span`. */
export async function longestGaps(
  files: readonly string[],
  span: Span,
  watched: Span,
): Promise<number[]> {
  const ledgers = await Promise.all(files.map(readLedger));
  return ledgers
    .map(({ acknowledged }) => longestGapMs([...acknowledged.values()], span, watched))
    .filter((gap) => gap !== null);
}

/**
 * The longest gap between two of `timesMs` that touches `span`; null when nothing was watched then.
 * A gap with an open end is closed where watching began or ended: beyond that nobody looked, and a
 * writer that was stopped is not one that stalled. An acknowledgement that came after writers were
 * told to stop was seen, and ends its gap itself.
 */
export function longestGapMs(timesMs: readonly number[], span: Span, watched: Span): number | null {
  const ordered = timesMs.toSorted((a, b) => a - b);
  const firstMs = Math.min(watched.fromMs, ordered[0] ?? Infinity);
  const lastMs = Math.max(watched.untilMs, ordered.at(-1) ?? -Infinity);
  const edges = [firstMs, ...ordered, lastMs];
  let longest: number | null = null;
  for (let index = 1; index < edges.length; index += 1) {
    const before = edges[index - 1] ?? 0;
    const after = edges[index] ?? 0;
    if (after < span.fromMs || before > span.untilMs) continue;
    longest = Math.max(longest ?? 0, after - before);
  }
  return longest;
}
