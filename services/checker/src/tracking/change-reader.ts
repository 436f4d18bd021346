import { deferred, type Deferred } from '@turnout/core/waiting';
import { laterOf, type Lsn } from '@turnout/core/lsn';
import type {
  Begin,
  Change,
  Relation,
  Row,
  StreamMessage,
} from '@turnout/postgres/pgoutput/messages';
import {
  keyOf,
  relationKeys,
  type RelationKeys,
  type TableLookup,
} from '../units/relation-keys.js';
import {
  condense,
  addChangedKey,
  markWholeUnit,
  type ChangedKeysByUnit,
  type TrackedTransaction,
} from './changed-keys.js';

const TURNOUT_SCHEMA = 'turnout';

export interface ChangeReaderOptions {
  readonly startLsn: Lsn;
  /** Side whose markers are ours; the other side's arrive here too, replicated. */
  readonly side: string;
  readonly lookup: TableLookup;
  /** Keys of one transaction; beyond it its tables count as changed as a whole. */
  readonly transactionKeysMax: number;
  onTransaction(transaction: TrackedTransaction): void;
}

/**
 * Turns the stream into transactions and keys. Unlike the links it also keeps what Turnout itself
 * wrote: rows that an applier got wrong stand in its own transactions. Rows of the schema `turnout` are
 * signals and never keys.
 */
export class ChangeReader {
  readonly #options: ChangeReaderOptions;
  readonly #relations = new WeakMap<Relation, RelationKeys>();
  readonly #waiting = new Map<string, Deferred<void>>();
  #open: { begin: Begin; changedKeys: ChangedKeysByUnit; keys: number; tokens: string[] } | null =
    null;
  #consumedLsn: Lsn;

  constructor(options: ChangeReaderOptions) {
    this.#options = options;
    this.#consumedLsn = options.startLsn;
  }

  /** Everything that committed before it has been read. */
  get consumedLsn(): Lsn {
    return this.#consumedLsn;
  }

  /** Register before writing the marker: resolves when its commit has been read. */
  expectMarker(token: string): Promise<void> {
    const waiter = deferred();
    this.#waiting.set(token, waiter);
    return waiter.promise;
  }

  forgetMarker(token: string): void {
    this.#waiting.delete(token);
  }

  /** Rejects all waiters: the stream has ended and nothing more will be read. */
  fail(reason: unknown): void {
    for (const waiter of this.#waiting.values()) waiter.reject(reason);
    this.#waiting.clear();
  }

  onKeepalive(walEnd: Lsn): void {
    if (!this.#open) this.#consumedLsn = laterOf(this.#consumedLsn, walEnd);
  }

  onMessage(message: StreamMessage): void {
    if (message.kind === 'begin') {
      this.#open = { begin: message, changedKeys: new Map(), keys: 0, tokens: [] };
    } else if (message.kind === 'commit') {
      this.#commit(message.endLsn);
    } else {
      this.#change(message);
    }
  }

  #commit(endLsn: Lsn): void {
    const open = this.#open;
    this.#open = null;
    if (open && open.changedKeys.size > 0) {
      const { xid, finalLsn } = open.begin;
      this.#options.onTransaction({ xid, finalLsn, changedKeys: open.changedKeys });
    }
    this.#consumedLsn = laterOf(this.#consumedLsn, endLsn);
    for (const token of open?.tokens ?? []) {
      this.#waiting.get(token)?.resolve();
      this.#waiting.delete(token);
    }
  }

  #change(change: Change): void {
    const open = this.#open;
    if (!open) return;
    if (change.kind === 'truncate') {
      for (const relation of change.relations) {
        if (relation.schema === TURNOUT_SCHEMA) continue;
        markWholeUnit(open.changedKeys, this.#keysOf(relation).unit, true);
      }
      return;
    }
    if (change.relation.schema === TURNOUT_SCHEMA) return this.#signal(change.relation, change);
    const { unit, positions } = this.#keysOf(change.relation);
    for (const [row, old] of imagesOf(change)) {
      const key = positions ? keyOf(positions, row, old) : undefined;
      if (key === undefined || open.keys >= this.#options.transactionKeysMax) {
        if (key !== undefined) condense(open.changedKeys);
        markWholeUnit(open.changedKeys, unit, false);
      } else {
        addChangedKey(open.changedKeys, unit, key);
        open.keys += 1;
      }
    }
  }

  #signal(relation: Relation, change: Exclude<Change, { kind: 'truncate' }>): void {
    if (relation.name !== 'marker' || change.kind === 'delete') return;
    const cell = (name: string): unknown =>
      change.row[relation.columns.findIndex((column) => column.name === name)];
    const token = cell('token');
    if (
      cell('side') === this.#options.side &&
      cell('kind') === 'check' &&
      typeof token === 'string'
    ) {
      this.#open?.tokens.push(token);
    }
  }

  #keysOf(relation: Relation): RelationKeys {
    let keys = this.#relations.get(relation);
    if (!keys) this.#relations.set(relation, (keys = relationKeys(relation, this.#options.lookup)));
    return keys;
  }
}

/**
 * The row images a change names, each with the one that fills its TOAST gaps. An update without an
 * old image did not change its key.
 */
function imagesOf(change: Exclude<Change, { kind: 'truncate' }>): [Row, Row | undefined][] {
  if (change.kind === 'insert') return [[change.row, undefined]];
  if (change.kind === 'delete') return [[change.old.row, undefined]];
  if (!change.old) return [[change.row, undefined]];
  return [
    [change.old.row, undefined],
    [change.row, change.old.row],
  ];
}
