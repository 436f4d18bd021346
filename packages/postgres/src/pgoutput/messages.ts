import type { Lsn } from '@turnout/core/lsn';

/** A TOASTed value that the update left alone: it is not in the stream and must not be written. */
export const UNCHANGED = Symbol('unchanged');

/** Text exactly as the server printed it, SQL NULL, or `UNCHANGED`. */
export type Cell = string | null | typeof UNCHANGED;

/** Cells in the order of the relation's columns. */
export type Row = readonly Cell[];

export interface RelationColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typeModifier: number;
  /** Part of the replica identity; with identity `full` every column is. */
  readonly key: boolean;
}

/** A table as of the change that follows; sent again after ALTER, so compare by reference. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly identity: 'default' | 'nothing' | 'full' | 'index';
  readonly columns: readonly RelationColumn[];
}

export interface Insert {
  readonly kind: 'insert';
  readonly relation: Relation;
  readonly row: Row;
}

/** `old` is the key (identity default or index, only when it changed) or the whole row (full). */
export interface Update {
  readonly kind: 'update';
  readonly relation: Relation;
  readonly old: { readonly form: 'key' | 'full'; readonly row: Row } | null;
  readonly row: Row;
}

export interface Delete {
  readonly kind: 'delete';
  readonly relation: Relation;
  readonly old: { readonly form: 'key' | 'full'; readonly row: Row };
}

export interface Truncate {
  readonly kind: 'truncate';
  readonly relations: readonly Relation[];
  readonly cascade: boolean;
  readonly restartIdentity: boolean;
}

export type Change = Insert | Update | Delete | Truncate;

export interface Begin {
  readonly kind: 'begin';
  /** Start of the commit record. */
  readonly finalLsn: Lsn;
  readonly xid: number;
  /** Microseconds since the Unix epoch. */
  readonly committedAtUs: bigint;
}

export interface Commit {
  readonly kind: 'commit';
  readonly finalLsn: Lsn;
  readonly endLsn: Lsn;
}

/** What a reader of protocol 1 meets, relation and type messages resolved. */
export type StreamMessage = Begin | Commit | Change;
