import type { Bus } from '@turnout/bus/bus';
import type { Clock } from '@turnout/core/clock';
import type { Store } from '@turnout/store/store';
import type { ResolvedConfig } from './config/resolve-config.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

/** What every service is given; whoever makes it closes `bus` and `store`. */
export interface ServiceContext {
  readonly config: ResolvedConfig;
  readonly store: Store;
  readonly bus: Bus;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Distinct for each process start; the holder of leases. */
  readonly instanceId: string;
  /** A test may kill, stop or delay the process at a place with a name; nothing otherwise. */
  readonly failpoint?: ((name: string) => Promise<void>) | undefined;
}
