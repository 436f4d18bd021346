import { otherSide, SIDES, type Side } from '@turnout/core/sides';
import pg from 'pg';

export type PoolSource = string | pg.PoolConfig;

/** Configuration of one side's pool: what is said of the side wins over what is said of both. */
export function sideConfig(source: PoolSource, shared: pg.PoolConfig): pg.PoolConfig {
  return typeof source === 'string'
    ? { ...shared, connectionString: source }
    : { ...shared, ...source };
}

const FORWARDED = ['connect', 'acquire', 'remove', 'release'] as const;

/** One `pg.Pool` a side, with their events gathered. */
export class SidePools {
  readonly #pools: Readonly<Record<Side, pg.Pool>>;

  constructor(
    configs: Readonly<Record<Side, pg.PoolConfig>>,
    emit: (event: string, ...args: unknown[]) => void,
  ) {
    this.#pools = { blue: new pg.Pool(configs.blue), green: new pg.Pool(configs.green) };
    for (const side of SIDES) {
      for (const event of FORWARDED) {
        this.#pools[side].on(event, (...args: unknown[]) => emit(event, ...args));
      }
      this.#pools[side].on('error', (...args: unknown[]) => emit('error', ...args));
    }
  }

  of(side: Side): pg.Pool {
    return this.#pools[side];
  }

  total(count: 'totalCount' | 'idleCount' | 'waitingCount' | 'expiredCount'): number {
    return this.#pools.blue[count] + this.#pools.green[count];
  }

  /**
   * Ends the idle connections of the side that is no longer used: the coordinator terminates what
   * is left there, and after a rollback nobody should be handed such a connection.
   */
  retireIdle(usedNow: Side): void {
    const pool = this.#pools[otherSide(usedNow)];
    for (let left = pool.idleCount; left > 0; left--) {
      pool.connect().then(
        (client) => client.release(true),
        () => undefined,
      );
    }
  }

  async end(): Promise<void> {
    await Promise.all(SIDES.map((side) => this.#pools[side].end()));
  }
}
