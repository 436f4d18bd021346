import pg from 'pg';
import { sideState } from './sql/side-state.js';
import type { SideAnswer } from './writable-side.js';

/** An answer later than this says nothing about now. */
const ANSWER_TIMEOUT_MS = 2_000;
const IDLE_TIMEOUT_MS = 10_000;

/** The table, its schema, or the right to see them is missing. */
const ABSENT_CODES = new Set(['42P01', '3F000']);

interface SideRow {
  readonly state: string;
  readonly fence_epoch: string;
}

/**
 * Asks one side about itself, over a connection of its own: the application's connections may all
 * be queued at the turnstile just when the answer matters. One question at a time; those who ask
 * meanwhile share the answer.
 */
export class SideProbe {
  readonly #pool: pg.Pool;
  #probing: Promise<SideAnswer> | null = null;

  constructor(config: pg.PoolConfig, pair: string) {
    this.#pool = new pg.Pool({
      ...config,
      application_name: `turnout_pool/${pair}`,
      max: 1,
      min: 0,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
      allowExitOnIdle: true,
      connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
      query_timeout: ANSWER_TIMEOUT_MS,
    });
    this.#pool.on('error', () => undefined);
  }

  probe(): Promise<SideAnswer> {
    this.#probing ??= this.#probeOnce().finally(() => {
      this.#probing = null;
    });
    return this.#probing;
  }

  async #probeOnce(): Promise<SideAnswer> {
    try {
      const { rows } = await this.#pool.query<SideRow>(sideState());
      const row = rows[0];
      if (row === undefined) return { kind: 'absent' };
      const kind = row.state === 'open' ? 'open' : 'closed';
      return { kind, fenceEpoch: BigInt(row.fence_epoch) };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      return ABSENT_CODES.has(code) ? { kind: 'absent' } : { kind: 'unknown', error };
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
