/** How a row differs: `missing` on the target, `extra` on the target, or `changed`. */
export const DIFFERENCE_KINDS = ['missing', 'extra', 'changed'] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** One row that is not the same on both sides. Digests only: a value never leaves the databases. */
export interface RowDifference {
  readonly unit: string;
  /** JSON array of the key's texts; null where rows have no key. */
  readonly key: string | null;
  readonly kind: DifferenceKind;
  readonly sourceDigest: string | null;
  readonly targetDigest: string | null;
  /** Columns that differ, when they could be named. */
  readonly columns: readonly string[];
}

/** Digests by key. Several for one key only where a side has lost its uniqueness. */
export type KeyedDigests = ReadonlyMap<string, readonly string[]>;

/** Count and digest sums of one bucket, as the server printed them. */
export interface BucketDigest {
  readonly rows: string;
  readonly high: string;
  readonly low: string;
}

/** Buckets that do not agree, in ascending order. */
export function differingBuckets(
  source: ReadonlyMap<number, BucketDigest>,
  target: ReadonlyMap<number, BucketDigest>,
): number[] {
  const buckets = new Set([...source.keys(), ...target.keys()]);
  return [...buckets]
    .filter((bucket) => !sameBucket(source.get(bucket), target.get(bucket)))
    .sort((a, b) => a - b);
}

/** Compares rows by key; a key with several rows on a side is compared as a multiset. */
export function compareKeyed(
  unit: string,
  source: KeyedDigests,
  target: KeyedDigests,
): RowDifference[] {
  const differences: RowDifference[] = [];
  for (const key of new Set([...source.keys(), ...target.keys()])) {
    const [missing, extra] = withoutCommon(source.get(key) ?? [], target.get(key) ?? []);
    for (let at = 0; at < Math.max(missing.length, extra.length); at += 1) {
      differences.push(difference(unit, key, missing[at] ?? null, extra[at] ?? null));
    }
  }
  return differences;
}

/** Compares rows without a key: how often each digest occurs. */
export function compareMultisets(
  unit: string,
  source: ReadonlyMap<string, number>,
  target: ReadonlyMap<string, number>,
): RowDifference[] {
  const differences: RowDifference[] = [];
  for (const digest of new Set([...source.keys(), ...target.keys()])) {
    const surplus = (source.get(digest) ?? 0) - (target.get(digest) ?? 0);
    const row =
      surplus > 0 ? difference(unit, null, digest, null) : difference(unit, null, null, digest);
    for (let copies = Math.abs(surplus); copies > 0; copies -= 1) differences.push(row);
  }
  return differences;
}

function difference(
  unit: string,
  key: string | null,
  sourceDigest: string | null,
  targetDigest: string | null,
): RowDifference {
  const kind = sourceDigest === null ? 'extra' : targetDigest === null ? 'missing' : 'changed';
  return { unit, key, kind, sourceDigest, targetDigest, columns: [] };
}

function sameBucket(one: BucketDigest | undefined, other: BucketDigest | undefined): boolean {
  return (
    one !== undefined &&
    other !== undefined &&
    one.rows === other.rows &&
    one.high === other.high &&
    one.low === other.low
  );
}

function withoutCommon(
  source: readonly string[],
  target: readonly string[],
): [missing: string[], extra: string[]] {
  const extra = [...target];
  const missing = source.filter((digest) => {
    const at = extra.indexOf(digest);
    if (at >= 0) extra.splice(at, 1);
    return at < 0;
  });
  return [missing, extra];
}
