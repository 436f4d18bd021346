import { numberOrNull, timeText } from './column-values.js';
import type { Database } from './database.js';
import * as sql from './sql/leases.js';
import type { TextRow } from '@turnout/postgres/sql/statement';

export interface HeldLease {
  readonly epoch: bigint;
}

export interface RefusedLease {
  readonly heldBy: string;
  readonly expiresInMs: number;
}

export interface LeaseState {
  readonly holder: string | null;
  readonly epoch: bigint;
  readonly valid: boolean;
  readonly expiresInMs: number;
}

/** A lease as a monitor sees it. */
export interface LeaseView {
  readonly name: string;
  /** Null when nobody holds it now. */
  readonly holder: string | null;
  /** End of the last life, RFC 3339: nobody has held the lease since, when `holder` is null. */
  readonly expiresAt: string;
}

/** Who may act, by the clock of the control store. The epoch only ever grows. */
export class Leases {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async acquire(name: string, holder: string, ttlMs: number): Promise<HeldLease | RefusedLease> {
    const row = await this.#database.row<TextRow<'epoch'>>(sql.acquireLease(name, holder, ttlMs));
    if (row) return { epoch: BigInt(row.epoch) };
    const state = await this.get(name);
    return { heldBy: state?.holder ?? 'unknown', expiresInMs: state?.expiresInMs ?? 0 };
  }

  /** False when another holds it or took it meanwhile: the caller stops acting. */
  async renew(name: string, holder: string, epoch: bigint, ttlMs: number): Promise<boolean> {
    return (await this.#database.row(sql.renewLease(name, holder, epoch, ttlMs))) !== null;
  }

  /** Gives it back early; without effect when it is no longer ours. */
  async release(name: string, holder: string, epoch: bigint): Promise<void> {
    await this.#database.rows(sql.releaseLease(name, holder, epoch));
  }

  /** Those of `names` that were ever taken. */
  async list(names: readonly string[]): Promise<LeaseView[]> {
    const rows = await this.#database.rows<TextRow<'name' | 'valid' | 'expires_at', 'holder'>>(
      sql.listLeases(names.join(' ')),
    );
    return rows.map((row) => ({
      name: row.name,
      holder: row.valid === 't' ? row.holder : null,
      expiresAt: timeText(row.expires_at),
    }));
  }

  async get(name: string): Promise<LeaseState | null> {
    const row = await this.#database.row<TextRow<'epoch' | 'valid' | 'expires_in_ms', 'holder'>>(
      sql.readLease(name),
    );
    return (
      row && {
        holder: row.holder,
        epoch: BigInt(row.epoch),
        valid: row.valid === 't',
        expiresInMs: numberOrNull(row.expires_in_ms) ?? 0,
      }
    );
  }
}
