import type { Side } from '@turnout/core/sides';
import { json, jsonOrNull } from './column-values.js';
import type { Database } from './database.js';
import * as sql from './sql/notes.js';

/** What a pair waits for; `since` is RFC 3339. */
export interface WaitingNote {
  readonly for: string;
  readonly since: string;
  readonly holder: string | null;
  readonly remedy: string | null;
}

/** The server that a side was seen on first; a later one voids what was proven before `since`. */
export interface IdentityNote {
  readonly system_identifier: string;
  readonly timeline: string | null;
  /** RFC 3339. */
  readonly since: string;
  /** True when it replaced another one. */
  readonly changed: boolean;
}

export interface PairNote {
  readonly waiting: WaitingNote | null;
  readonly identities: Readonly<Partial<Record<Side, IdentityNote>>>;
}

/** What whoever leads a pair writes down beside the journal. */
export class Notes {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(pair: string): Promise<PairNote> {
    const row = await this.#database.row<{ waiting: string | null; identities: string }>(
      sql.readNote(pair),
    );
    return {
      waiting: jsonOrNull<WaitingNote>(row?.waiting ?? null),
      identities: row ? json<PairNote['identities']>(row.identities) : {},
    };
  }

  async setWaiting(pair: string, waiting: WaitingNote | null): Promise<void> {
    await this.#database.rows(sql.writeWaiting(pair, waiting && JSON.stringify(waiting)));
  }

  async setIdentity(pair: string, side: Side, identity: IdentityNote): Promise<void> {
    await this.#database.rows(sql.writeIdentity(pair, side, JSON.stringify(identity)));
  }

  /** A pair that begins anew may stand on other servers. */
  async forget(pair: string): Promise<void> {
    await this.#database.rows(sql.forgetIdentities(pair));
  }
}
