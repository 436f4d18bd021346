import type { Lsn } from '@turnout/core/lsn';
import type { Snapshot } from '../snapshots/snapshot.js';
import { DirtyKeys } from './dirty-keys.js';
import {
  mergeChangedKeys,
  type ChangedKeysByUnit,
  type TrackedTransaction,
} from './changed-keys.js';
import { InFlightTransactions } from './in-flight-transactions.js';

export interface TrackingLimits {
  /** Transactions that may wait for both snapshots to contain them. */
  readonly transactionsMax: number;
  /** Keys kept of them; beyond it a transaction counts as a change of its whole tables. */
  readonly inFlightKeysMax: number;
  /** Keys of one transaction. */
  readonly transactionKeysMax: number;
  /** Dirty keys over all tables; beyond it a table is dirty as a whole. */
  readonly dirtyKeysMax: number;
}

export const TRACKING_LIMITS: TrackingLimits = {
  transactionsMax: 200_000,
  inFlightKeysMax: 500_000,
  transactionKeysMax: 100_000,
  dirtyKeysMax: 200_000,
};

/** What is in flight at one alignment, and up to which transaction that is known. */
export interface InFlight {
  readonly changedKeys: ChangedKeysByUnit;
  readonly sequence: number;
}

/**
 * What one reader knows: the transactions in flight, the keys not proven since their last change, and
 * the base, the full check all of that is relative to. Without a base dirty keys mean nothing.
 */
export class TrackerState {
  readonly dirty: DirtyKeys;
  readonly #inFlight: InFlightTransactions;
  readonly #truncated = new Map<string, number>();
  #sequence = 0;
  #base: string | null = null;
  #collecting = false;

  constructor({ transactionsMax, inFlightKeysMax, dirtyKeysMax }: TrackingLimits) {
    this.dirty = new DirtyKeys(dirtyKeysMax);
    this.#inFlight = new InFlightTransactions({ transactionsMax, keysMax: inFlightKeysMax });
  }

  get base(): string | null {
    return this.#base;
  }

  get sequence(): number {
    return this.#sequence;
  }

  get settledLsn(): Lsn {
    return this.#inFlight.settledLsn;
  }

  get transactionsInFlight(): number {
    return this.#inFlight.size;
  }

  /** Oldest transaction that a restart would have to read again; null when there is none. */
  get oldestNeededLsn(): Lsn | null {
    const [ring, dirty] = [this.#inFlight.oldestLsn, this.dirty.oldestLsn];
    if (ring === null || dirty === null) return ring ?? dirty;
    return ring < dirty ? ring : dirty;
  }

  /** False when too many are in flight: this state is incomplete from here on and must be given up. */
  take(transaction: TrackedTransaction): boolean {
    this.#sequence += 1;
    for (const [unit, changed] of transaction.changedKeys) {
      this.dirty.add(unit, changed, transaction.finalLsn, this.#sequence);
      if (changed.truncated) this.#truncated.set(unit, this.#sequence);
    }
    return this.#inFlight.add(transaction);
  }

  inFlight(source: Snapshot, appliedLsn: Lsn): InFlight {
    const changedKeys = mergeChangedKeys(this.#inFlight.unsettled(source, appliedLsn));
    return { changedKeys, sequence: this.#sequence };
  }

  /** Forgets what both snapshots contain. Without a base, what is not in flight is not dirty. */
  settle(source: Snapshot, appliedLsn: Lsn): void {
    this.#inFlight.dropSettled(source, appliedLsn);
    if (this.#base === null && !this.#collecting) this.#restartDirty();
  }

  truncatedSince(unit: string, sequence: number): boolean {
    return (this.#truncated.get(unit) ?? 0) > sequence;
  }

  /** A full check begins: changes of tables it has proven already count from here on. */
  collect(): void {
    this.#collecting = true;
  }

  setBase(base: string): void {
    this.#base = base;
    this.#collecting = false;
  }

  dropBase(): void {
    this.#base = null;
    this.#collecting = false;
  }

  /** A full check ended without a proof: what was known before it is still known. */
  stopCollecting(): void {
    this.#collecting = false;
  }

  /**
   * Takes over the proof of the other direction: at `snapshot` of this side all rows were equal, so
   * only what it does not show is dirty.
   */
  adoptBase(base: string, snapshot: Snapshot, appliedMax: Lsn): void {
    this.#inFlight.dropSettled(snapshot, appliedMax);
    this.#restartDirty();
    this.#base = base;
  }

  #restartDirty(): void {
    this.dirty.clear();
    for (const { changedKeys, finalLsn } of this.#inFlight.transactions) {
      for (const [unit, changed] of changedKeys)
        this.dirty.add(unit, changed, finalLsn, this.#sequence);
    }
  }
}
