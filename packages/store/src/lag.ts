import type { Direction } from '@turnout/core/sides';
import { numberOrNull, timeText } from './column-values.js';
import type { Database } from './database.js';
import * as sql from './sql/lag.js';

/** Ten minutes at one sample a second. */
export const LAG_SAMPLES_MAX = 600;

/** One measurement of a link; what could not be measured is null, never 0. */
export interface LagSample {
  readonly lagBytes: number | null;
  readonly lagMs: number | null;
  /** RFC 3339. The reader shows its age. */
  readonly measuredAt: string;
  /** `sql` when the bus was silent and the databases were asked instead. */
  readonly source: 'bus' | 'sql';
}

function lagSample(row: sql.LagColumns): LagSample {
  return {
    lagBytes: numberOrNull(row.lag_bytes),
    lagMs: numberOrNull(row.lag_ms),
    measuredAt: timeText(row.measured_at),
    source: row.source as 'bus' | 'sql',
  };
}

/** The last ten minutes of lag of each link. */
export class Lag {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async put(pair: string, direction: Direction, sample: LagSample): Promise<void> {
    await this.#database.rows(sql.insertSample(pair, direction, sample));
  }

  /** The newest sample, or null when there is none. */
  async get(pair: string, direction: Direction): Promise<LagSample | null> {
    return (await this.recent(pair, direction, 1))[0] ?? null;
  }

  /** Newest first. */
  async recent(pair: string, direction: Direction, limit = LAG_SAMPLES_MAX): Promise<LagSample[]> {
    const rows = await this.#database.rows<sql.LagColumns>(sql.readSamples(pair, direction, limit));
    return rows.map(lagSample);
  }
}
