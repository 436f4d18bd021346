import type { Lsn } from '@turnout/core/lsn';

/** What a transaction did to one table: the keys it changed, or null for "any row". */
export interface ChangedKeys {
  keys: Set<string> | null;
  truncated: boolean;
}

/** By name of the comparison unit. */
export type ChangedKeysByUnit = Map<string, ChangedKeys>;

/** A committed transaction of the source as the checker's own reader met it. */
export interface TrackedTransaction {
  /** As printed by the stream: 32 bits, unsigned. */
  readonly xid: number;
  readonly finalLsn: Lsn;
  readonly changedKeys: ChangedKeysByUnit;
}

export function addChangedKey(changedKeys: ChangedKeysByUnit, unit: string, key: string): void {
  const changed = changedKeysOf(changedKeys, unit);
  changed.keys?.add(key);
}

export function markWholeUnit(
  changedKeys: ChangedKeysByUnit,
  unit: string,
  truncated: boolean,
): void {
  const changed = changedKeysOf(changedKeys, unit);
  changed.keys = null;
  changed.truncated ||= truncated;
}

export function keyCount(changedKeys: ChangedKeysByUnit): number {
  let count = 0;
  for (const { keys } of changedKeys.values()) count += keys?.size ?? 0;
  return count;
}

/** Forgets which keys, not which tables: a limit on memory makes the comparison larger, not wrong. */
export function condense(changedKeys: ChangedKeysByUnit): void {
  for (const changed of changedKeys.values()) changed.keys = null;
}

/** Union of what many transactions changed. */
export function mergeChangedKeys(transactions: Iterable<TrackedTransaction>): ChangedKeysByUnit {
  const merged: ChangedKeysByUnit = new Map();
  for (const { changedKeys } of transactions) {
    for (const [unit, { keys, truncated }] of changedKeys) {
      if (keys === null) markWholeUnit(merged, unit, truncated);
      else for (const key of keys) addChangedKey(merged, unit, key);
    }
  }
  return merged;
}

function changedKeysOf(changedKeys: ChangedKeysByUnit, unit: string): ChangedKeys {
  let changed = changedKeys.get(unit);
  if (!changed) changedKeys.set(unit, (changed = { keys: new Set(), truncated: false }));
  return changed;
}
