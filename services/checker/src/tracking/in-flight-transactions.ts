import { LSN_ZERO, laterOf, type Lsn } from '@turnout/core/lsn';
import { extendXid, isVisible, type Snapshot } from '../snapshots/snapshot.js';
import { condense, keyCount, type TrackedTransaction } from './changed-keys.js';

export interface InFlightLimits {
  readonly transactionsMax: number;
  readonly keysMax: number;
}

/**
 * The transactions that some snapshot may still show on one side only. A transaction leaves when a
 * pair of snapshots has both of it, for later snapshots have it too.
 */
export class InFlightTransactions {
  readonly #limits: InFlightLimits;
  #transactions: TrackedTransaction[] = [];
  #keys = 0;
  #settledLsn: Lsn = LSN_ZERO;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get transactions(): readonly TrackedTransaction[] {
    return this.#transactions;
  }

  get size(): number {
    return this.#transactions.length;
  }

  /**
   * Highest position that was dropped as applied. A target that shows less has lost applied
   * transactions in a crash: nothing can be compared until it has them again.
   */
  get settledLsn(): Lsn {
    return this.#settledLsn;
  }

  get oldestLsn(): Lsn | null {
    return this.#transactions[0]?.finalLsn ?? null;
  }

  /** False when the limit is reached: the caller has to start over, for one transaction is missing. */
  add(transaction: TrackedTransaction): boolean {
    if (this.#transactions.length >= this.#limits.transactionsMax) return false;
    const keys = keyCount(transaction.changedKeys);
    if (this.#keys + keys > this.#limits.keysMax) condense(transaction.changedKeys);
    else this.#keys += keys;
    this.#transactions.push(transaction);
    return true;
  }

  /** Those not contained in both: not visible in `source`, or not applied at `appliedLsn`. */
  unsettled(source: Snapshot, appliedLsn: Lsn): TrackedTransaction[] {
    return this.#transactions.filter((each) => !isSettled(each, source, appliedLsn));
  }

  dropSettled(source: Snapshot, appliedLsn: Lsn): void {
    this.#keep((each) => !isSettled(each, source, appliedLsn));
  }

  #keep(wanted: (each: TrackedTransaction) => boolean): void {
    const kept: TrackedTransaction[] = [];
    for (const each of this.#transactions) {
      if (wanted(each)) kept.push(each);
      else this.#settledLsn = laterOf(this.#settledLsn, each.finalLsn);
    }
    this.#transactions = kept;
    this.#keys = kept.reduce((sum, { changedKeys }) => sum + keyCount(changedKeys), 0);
  }
}

function isSettled({ xid, finalLsn }: TrackedTransaction, source: Snapshot, applied: Lsn): boolean {
  return finalLsn <= applied && isVisible(source, extendXid(xid, source.xmax));
}
