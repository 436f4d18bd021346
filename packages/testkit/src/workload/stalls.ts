import { percentile } from '@turnout/core/quantities';
import { readLedger } from './ledger-file.js';

export interface Stalls {
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/**
 * For each writer the longest time between two of its acknowledgements that touches the span from
 * `fromMs` to `toMs` (shared monotonic milliseconds); percentiles over the writers. A writer that
 * was not acknowledged again counts until `endMs`.
 */
export async function stalls(
  files: readonly string[],
  fromMs: number,
  toMs: number,
  endMs = toMs,
): Promise<Stalls> {
  const ledgers = await Promise.all(files.map(readLedger));
  const longest = ledgers
    .map(({ acknowledged }) => longestGapMs([...acknowledged.values()], fromMs, toMs, endMs))
    .filter((gap) => gap !== null);
  const rank = (percent: number): number | null => percentile(longest, percent);
  return { p50: rank(50), p99: rank(99), max: rank(100) };
}

export function longestGapMs(
  timesMs: readonly number[],
  fromMs: number,
  toMs: number,
  endMs: number,
): number | null {
  let longest: number | null = null;
  const closed = timesMs.toSorted((a, b) => a - b);
  const last = closed.at(-1);
  if (last !== undefined && last < toMs) closed.push(Math.max(endMs, last));
  for (let index = 1; index < closed.length; index += 1) {
    const before = closed[index - 1] ?? 0;
    const after = closed[index] ?? 0;
    if (after < fromMs || before > toMs) continue;
    longest = Math.max(longest ?? 0, after - before);
  }
  return longest;
}
