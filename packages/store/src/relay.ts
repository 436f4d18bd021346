import type { Database } from './database.js';
import * as sql from './sql/relay.js';
import type { TextRow } from '@turnout/postgres/sql/statement';

/** How far the journal of each pair was handed to a topic of the bus. */
export class Relay {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Last revision that was published; 0 before the first. */
  async position(pair: string, topic: string): Promise<number> {
    const row = await this.#database.row<TextRow<'revision'>>(sql.readCursor(pair, topic));
    return row ? Number(row.revision) : 0;
  }

  async advance(pair: string, topic: string, revision: number): Promise<void> {
    await this.#database.rows(sql.moveCursor(pair, topic, revision));
  }
}
