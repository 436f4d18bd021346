import type { Side } from '@turnout/core/sides';
import { jsonOrNull, timeOrNull } from './column-values.js';
import type { Database } from './database.js';
import * as sql from './sql/tracking.js';

/** State of the checker's continuous rounds; what is not known is null. */
export interface TrackingObserved {
  /** Keys that changed and were not compared since. */
  readonly dirty: number | null;
  readonly lastRoundAt: string | null;
  /** Log position up to which changes have been collected, as text. */
  readonly horizonLsn: string | null;
  /** Id of the full check the rounds build on. */
  readonly baseCheckId: string | null;
  readonly code?: string | null | undefined;
  readonly message?: string | null | undefined;
}

export interface TrackingRow {
  readonly pair: string;
  readonly side: Side;
  readonly desired: 'off' | 'on';
  readonly observed: TrackingObserved | null;
  readonly observedAt: string | null;
}

function trackingRow(row: sql.TrackingColumns): TrackingRow {
  return {
    pair: row.pair,
    side: row.side as Side,
    desired: row.desired as 'off' | 'on',
    observed: jsonOrNull<TrackingObserved>(row.observed),
    observedAt: timeOrNull(row.observed_at),
  };
}

/** Whether the checker follows the changes of a side, and how far it has come. */
export class Tracking {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async setDesired(pair: string, side: Side, on: boolean): Promise<void> {
    await this.#database.rows(sql.desireTracking(pair, side, on ? 'on' : 'off'));
  }

  async get(pair: string, side: Side): Promise<TrackingRow | null> {
    const row = await this.#database.row<sql.TrackingColumns>(sql.readTracking(pair, side));
    return row && trackingRow(row);
  }

  async list(): Promise<TrackingRow[]> {
    return (await this.#database.rows<sql.TrackingColumns>(sql.listTracking())).map(trackingRow);
  }

  async report(pair: string, side: Side, observed: TrackingObserved): Promise<void> {
    await this.#database.rows(sql.observeTracking(pair, side, JSON.stringify(observed)));
  }
}
