import { lsn } from '@turnout/core/lsn';
import { expect, test } from 'vitest';
import { parseSnapshot } from '../snapshots/snapshot.js';
import {
  addChangedKey,
  markWholeUnit,
  type ChangedKeysByUnit,
  type TrackedTransaction,
} from './changed-keys.js';
import { TrackerState, type TrackingLimits } from './tracker-state.js';

const LIMITS: TrackingLimits = {
  transactionsMax: 10,
  inFlightKeysMax: 100,
  transactionKeysMax: 100,
  dirtyKeysMax: 5,
};

function transaction(xid: number, at: bigint, keys: string[] | null): TrackedTransaction {
  const changedKeys: ChangedKeysByUnit = new Map();
  if (keys === null) markWholeUnit(changedKeys, 't', true);
  for (const key of keys ?? []) addChangedKey(changedKeys, 't', key);
  return { xid, finalLsn: lsn(at), changedKeys };
}

/** A state that has a base, so that dirty keys mean something. */
function based(limits = LIMITS): TrackerState {
  const state = new TrackerState(limits);
  state.setBase('base');
  return state;
}

test('in flight is what either snapshot does not contain, decided by id and by position', () => {
  const state = based();
  // Logged first, visible last: a commit that waits for a standby.
  state.take(transaction(782, 100n, ['stalled']));
  state.take(transaction(783, 110n, ['both']));
  state.take(transaction(784, 120n, ['later']));
  const { changedKeys } = state.inFlight(parseSnapshot('782:785:782'), lsn(110n));
  expect([...changedKeys.get('t')!.keys!].sort()).toEqual(['later', 'stalled']);
});

test('a proof takes a key only when it is not older than the last changed', () => {
  const state = based();
  state.take(transaction(1, 100n, ['a', 'b']));
  const { sequence } = state;
  state.take(transaction(2, 200n, ['a']));
  state.dirty.proveKeys('t', ['a', 'b'], sequence);
  expect(state.dirty.keysOf('t')).toEqual(['a']);
});

test('a restart reads again from the oldest change that is not proven', () => {
  const state = based();
  state.take(transaction(1, 100n, ['a']));
  state.take(transaction(2, 200n, ['b']));
  state.settle(parseSnapshot('9:9:'), lsn(300n));
  expect(state.oldestNeededLsn).toBe(100n);
  state.dirty.proveKeys('t', ['a'], state.sequence);
  expect(state.oldestNeededLsn).toBe(200n);
  state.dirty.proveKeys('t', ['b'], state.sequence);
  expect(state.oldestNeededLsn).toBeNull();
});

test('beyond its limit a table is dirty as a whole, and a whole proof leaves what was in flight', () => {
  const state = based();
  state.take(transaction(1, 100n, ['a', 'b', 'c', 'd', 'e']));
  state.take(transaction(2, 200n, ['f']));
  expect(state.dirty.wholeUnits).toEqual(['t']);
  const { changedKeys, sequence } = state.inFlight(parseSnapshot('9:9:'), lsn(150n));
  state.dirty.proveWhole('t', changedKeys.get('t'), sequence);
  expect(state.dirty.wholeUnits).toEqual([]);
  expect(state.dirty.keysOf('t')).toEqual(['f']);
  expect(state.oldestNeededLsn).toBe(100n);
});

test('a TRUNCATE makes the table dirty as a whole and is remembered', () => {
  const state = based();
  state.take(transaction(1, 100n, null));
  expect(state.dirty.isWhole('t')).toBe(true);
  expect(state.truncatedSince('t', 0)).toBe(true);
  expect(state.truncatedSince('t', 1)).toBe(false);
});

test('without a base settled keys are forgotten, unless a full check is collecting', () => {
  const state = new TrackerState(LIMITS);
  state.take(transaction(1, 100n, ['a']));
  state.settle(parseSnapshot('9:9:'), lsn(100n));
  expect(state.dirty.count).toBe(0);
  state.collect();
  state.take(transaction(2, 200n, ['b']));
  state.settle(parseSnapshot('9:9:'), lsn(200n));
  expect(state.dirty.keysOf('t')).toEqual(['b']);
  expect(state.settledLsn).toBe(200n);
});

test('too many transactions in flight are refused: from there on the state is incomplete', () => {
  const state = based({ ...LIMITS, transactionsMax: 1 });
  expect(state.take(transaction(1, 100n, ['a']))).toBe(true);
  expect(state.take(transaction(2, 200n, ['b']))).toBe(false);
});

test('an adopted base leaves dirty only what its snapshot does not show', () => {
  const state = new TrackerState(LIMITS);
  state.take(transaction(5, 100n, ['applied']));
  state.take(transaction(8, 200n, ['after']));
  state.adoptBase('final', parseSnapshot('7:7:'), lsn(2n ** 63n));
  expect(state.base).toBe('final');
  expect(state.dirty.keysOf('t')).toEqual(['after']);
});
