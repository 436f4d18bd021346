import type { WholeTransaction } from '../stream/source-transaction.js';

/** A first group is small: groups of thousands never got anywhere under frequent crashes. */
export const GROUP_TRANSACTIONS_FIRST = 50;
export const GROUP_TRANSACTIONS_MAX = 3_200;

export interface GroupLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** Whole source transactions that become one target transaction. Skipped ones are not among them. */
export class Group {
  readonly #limits: GroupLimits;
  readonly #transactionsMax: number;
  readonly transactions: WholeTransaction[] = [];
  rows = 0;
  bytes = 0;

  constructor(limits: GroupLimits, transactionsMax: number) {
    this.#limits = limits;
    this.#transactionsMax = transactionsMax;
  }

  get empty(): boolean {
    return this.transactions.length === 0;
  }

  get full(): boolean {
    return (
      this.transactions.length >= this.#transactionsMax ||
      this.rows >= this.#limits.rowsMax ||
      this.bytes >= this.#limits.bytesMax
    );
  }

  /** A marker asks for a durable answer: its group commits synchronously. */
  get hasMarker(): boolean {
    return this.transactions.some(({ hasMarker }) => hasMarker);
  }

  add(transaction: WholeTransaction): void {
    this.transactions.push(transaction);
    this.rows += transaction.changes.length;
    this.bytes += transaction.bytes;
  }
}
