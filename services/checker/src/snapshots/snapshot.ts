/** Which transactions a PostgreSQL snapshot sees, as `pg_current_snapshot()` prints it. */
export interface Snapshot {
  /** Everything below has ended. */
  readonly xmin: bigint;
  /** Nothing from here on is visible. */
  readonly xmax: bigint;
  /** In progress between the two, top-level ids only. */
  readonly inProgress: ReadonlySet<bigint>;
}

const SNAPSHOT_TEXT = /^(\d+):(\d+):([\d,]*)$/;
const EPOCH = 1n << 32n;

export function parseSnapshot(text: string): Snapshot {
  const match = SNAPSHOT_TEXT.exec(text);
  if (!match) throw new TypeError(`not a snapshot: ${JSON.stringify(text)}`);
  const inProgress = match[3] === '' ? [] : match[3]!.split(',').map(BigInt);
  return { xmin: BigInt(match[1]!), xmax: BigInt(match[2]!), inProgress: new Set(inProgress) };
}

/**
 * Extends the 32-bit id of the stream to 64 bits: of the candidates in the neighbouring epochs the
 * one nearest to `near`, for ids compared with each other lie less than 2^31 apart.
 */
export function extendXid(xid: number, near: bigint): bigint {
  let candidate = near - (near % EPOCH) + BigInt(xid);
  if (candidate - near > EPOCH / 2n && candidate >= EPOCH) candidate -= EPOCH;
  else if (near - candidate > EPOCH / 2n) candidate += EPOCH;
  return candidate;
}

/** Whether the committed transaction `xid` (64 bits) belongs to `snapshot`. */
export function isVisible(snapshot: Snapshot, xid: bigint): boolean {
  if (xid < snapshot.xmin) return true;
  return xid < snapshot.xmax && !snapshot.inProgress.has(xid);
}
