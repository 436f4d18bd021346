import type { Lsn } from '@turnout/core/lsn';

/** What a transaction did to one table: the keys it touched, or null for "any row". */
export interface Touch {
  keys: Set<string> | null;
  truncated: boolean;
}

/** Touches by name of the comparison unit. */
export type Touches = Map<string, Touch>;

/** A committed transaction of the source as the checker's own reader met it. */
export interface TrackedTransaction {
  /** As printed by the stream: 32 bits, unsigned. */
  readonly xid: number;
  readonly finalLsn: Lsn;
  readonly touches: Touches;
}

export function touchKey(touches: Touches, unit: string, key: string): void {
  const touch = touchOf(touches, unit);
  touch.keys?.add(key);
}

export function touchWhole(touches: Touches, unit: string, truncated: boolean): void {
  const touch = touchOf(touches, unit);
  touch.keys = null;
  touch.truncated ||= truncated;
}

export function keyCount(touches: Touches): number {
  let count = 0;
  for (const { keys } of touches.values()) count += keys?.size ?? 0;
  return count;
}

/** Forgets which keys, never which tables: memory ends, the truth only becomes coarser. */
export function condense(touches: Touches): void {
  for (const touch of touches.values()) touch.keys = null;
}

/** Union of the touches of many transactions. */
export function mergeTouches(transactions: Iterable<TrackedTransaction>): Touches {
  const merged: Touches = new Map();
  for (const { touches } of transactions) {
    for (const [unit, { keys, truncated }] of touches) {
      if (keys === null) touchWhole(merged, unit, truncated);
      else for (const key of keys) touchKey(merged, unit, key);
    }
  }
  return merged;
}

function touchOf(touches: Touches, unit: string): Touch {
  let touch = touches.get(unit);
  if (!touch) touches.set(unit, (touch = { keys: new Set(), truncated: false }));
  return touch;
}
