import { json } from './column-values.js';
import type { Database } from './database.js';
import * as sql from './sql/idempotency.js';

/** State-changing requests answer at once; one still open after this long has lost its process. */
export const REQUEST_STALE_MS = 60_000;

export type Begun =
  | { readonly state: 'new' | 'running' | 'mismatch' }
  | { readonly state: 'done'; readonly response: unknown };

/** Answers of requests by their `Idempotency-Key`, so that a repeated one acts once. */
export class Idempotency {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** `new` obliges the caller to `complete` or `abandon`. `mismatch`: the key served another request. */
  async begin(key: string, fingerprint: string, staleMs = REQUEST_STALE_MS): Promise<Begun> {
    if (await this.#database.row(sql.insertKey(key, fingerprint))) return { state: 'new' };
    const row = await this.#database.row<sql.IdempotencyColumns>(sql.readKey(key));
    if (row && row.fingerprint !== fingerprint) return { state: 'mismatch' };
    if (row?.response) return { state: 'done', response: json(row.response) };
    const revived = await this.#database.row(sql.reviveKey(key, fingerprint, staleMs));
    return { state: revived ? 'new' : 'running' };
  }

  async complete(key: string, response: unknown): Promise<void> {
    await this.#database.rows(sql.completeKey(key, JSON.stringify(response ?? null)));
  }

  /** Forgets a request that failed before it had any effect, so that it may be sent again. */
  async abandon(key: string): Promise<void> {
    await this.#database.rows(sql.deleteKey(key));
  }
}
