import type { Lsn } from '@turnout/core/lsn';
import type { Change } from '@turnout/postgres/pgoutput/messages';
import type { ItemKind } from './classify.js';

/** What BEGIN says. */
export interface TransactionHead {
  /** Start of the commit record. */
  readonly finalLsn: Lsn;
  readonly xid: number;
  readonly committedAtUs: bigint;
}

/** A source transaction that was received whole. `ours` keeps only its first change. */
export interface WholeTransaction extends TransactionHead {
  readonly type: 'whole';
  readonly kind: ItemKind;
  readonly endLsn: Lsn;
  readonly changes: readonly Change[];
  readonly bytes: number;
  readonly hasMarker: boolean;
  /** When its commit was read from the stream, milliseconds since the epoch. */
  readonly receivedAtMs: number;
}

/** A user transaction beyond the memory limit: handed over while it still arrives. */
export interface LargeTransaction extends TransactionHead {
  readonly type: 'large';
  readonly kind: 'user';
  /** Yields the changes in order; ends with the commit, rejects when the stream ends before it. */
  readonly chunks: AsyncIterable<readonly Change[]>;
  /** End of the commit record; known once `chunks` has ended. */
  readonly committed: Promise<Lsn>;
}

export type SourceTransaction = WholeTransaction | LargeTransaction;

/** A keepalive with no transaction open: everything below `walEnd` has been handed over. */
export interface IdleItem {
  readonly type: 'idle';
  readonly walEnd: Lsn;
}

export type StreamItem = SourceTransaction | IdleItem;
