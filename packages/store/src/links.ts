import { must } from '@turnout/core/assert';
import type { Direction } from '@turnout/core/sides';
import { jsonOrNull, timeOrNull } from './column-values.js';
import type { Database } from './database.js';
import * as sql from './sql/links.js';

export type LinkDesired = 'stopped' | 'copying' | 'streaming';

export type LinkState =
  | 'stopped'
  | 'installing'
  | 'copying'
  | 'copied'
  | 'streaming'
  | 'watching'
  | 'failed';

export interface CopyProgress {
  readonly tables: number;
  readonly tablesDone: number;
  readonly rows: number;
  readonly rowsExpected: number;
  readonly bytes: number;
  readonly seconds: number;
}

export interface LinkTable {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
  readonly done: boolean;
  readonly lane: string | null;
}

/** What the replicator saw. Log positions are texts; what is not known is null. */
export interface LinkObserved {
  readonly state: LinkState;
  readonly code?: string | null | undefined;
  readonly message?: string | null | undefined;
  /** Of the error behind `code`: object, SQLSTATE and what the server said. */
  readonly facts?: Readonly<Record<string, string | number | boolean | null>> | undefined;
  readonly receivedLsn: string | null;
  readonly appliedLsn: string | null;
  readonly durableLsn: string | null;
  readonly open: boolean | null;
  readonly copy: CopyProgress | null;
  readonly tables?: readonly LinkTable[] | undefined;
  readonly transactionsApplied: number;
  readonly rowsApplied: number;
  readonly slot: string | null;
  readonly markerSeen: { readonly token: string; readonly at: string } | null;
}

export interface LinkRow {
  readonly pair: string;
  readonly direction: Direction;
  readonly desired: LinkDesired;
  /** Raised by every wish, the same one included. */
  readonly generation: bigint;
  readonly observed: LinkObserved | null;
  readonly observedAt: string | null;
}

function linkRow(row: sql.LinkColumns): LinkRow {
  return {
    pair: row.pair,
    direction: row.direction as Direction,
    desired: row.desired as LinkDesired,
    generation: BigInt(row.generation),
    observed: jsonOrNull<LinkObserved>(row.observed),
    observedAt: timeOrNull(row.observed_at),
  };
}

/** What the coordinator wants of each link and what its replicator reports. */
export class Links {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async ensure(pair: string, direction: Direction): Promise<void> {
    await this.#database.rows(sql.insertLink(pair, direction));
  }

  async get(pair: string, direction: Direction): Promise<LinkRow | null> {
    const row = await this.#database.row<sql.LinkColumns>(sql.readLink(pair, direction));
    return row && linkRow(row);
  }

  async list(pair: string): Promise<LinkRow[]> {
    return (await this.#database.rows<sql.LinkColumns>(sql.readLinks(pair))).map(linkRow);
  }

  /** Wishes anew; the generation it got tells the wish apart from earlier ones. */
  async setDesired(pair: string, direction: Direction, desired: LinkDesired): Promise<LinkRow> {
    const row = await this.#database.row<sql.LinkColumns>(sql.desireLink(pair, direction, desired));
    return linkRow(must(row, 'an upsert answers its row'));
  }

  async report(pair: string, direction: Direction, observed: LinkObserved): Promise<void> {
    await this.#database.rows(sql.observeLink(pair, direction, JSON.stringify(observed)));
  }
}
