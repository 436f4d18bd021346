import { parseDurationMs } from '@turnout/core/quantities';
import { isPairName } from '@turnout/core/object-names';
import type { Side } from '@turnout/core/sides';
import type pg from 'pg';
import { RouteWatcher } from './route-watcher.js';
import { sideConfig, type PoolSource } from './side-pools.js';
import { TurnoutPool } from './turnout-pool.js';

export interface CreatePoolOptions {
  readonly blue: PoolSource;
  readonly green: PoolSource;
  readonly pair: string;
  /** Where the coordinator tells changes of the route; they are then noticed sooner. */
  readonly route?: { readonly redis: string } | undefined;
  /** How long a call may be held while no side is open, as a duration: `30s` unless told. */
  readonly holdMax?: string | undefined;
  /** Settings of `pg.Pool` for both sides. */
  readonly poolConfig?: pg.PoolConfig | undefined;
  /** Interval at which the sides are asked during a hold; 5 unless told. */
  readonly pollMs?: number | undefined;
  /** Age at which what is known of the route is confirmed again; 1,000 unless told. */
  readonly recheckMs?: number | undefined;
}

/**
 * A `pg.Pool` that follows the pair to its writable side and waits out a switch.
 * @throws TypeError for a pair name or duration that is none
 */
export function createPool(options: CreatePoolOptions): TurnoutPool {
  const { pair, poolConfig = {}, holdMax = '30s', pollMs = 5, recheckMs = 1_000 } = options;
  if (!isPairName(pair)) throw new TypeError(`not a pair name: ${JSON.stringify(pair)}`);
  const holdMaxMs = parseDurationMs(holdMax);
  if (holdMaxMs === null) throw new TypeError(`not a duration: ${JSON.stringify(holdMax)}`);
  const configs: Record<Side, pg.PoolConfig> = {
    blue: sideConfig(options.blue, poolConfig),
    green: sideConfig(options.green, poolConfig),
  };
  const redis = options.route?.redis;
  return new TurnoutPool({
    pair,
    configs,
    holdMaxMs,
    pollMs,
    recheckMs,
    watch:
      redis === undefined
        ? null
        : (onRouteChanged) => new RouteWatcher(redis, pair, onRouteChanged),
  });
}

export type { TurnoutPool } from './turnout-pool.js';
