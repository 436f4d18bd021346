import type { ServiceContext } from '@turnout/service-kit/context';
import { isAppError } from '@turnout/core/app-error';
import { RecentTrouble } from '@turnout/service-kit/recent-trouble';
import type { Service } from '@turnout/service-kit/service';
import { whileHolding, WORKER_TTL_MS } from '@turnout/store/held-lease';
import { PairMonitor } from './pair-monitor.js';

const LEASE = 'lag-monitor';

/** Writes heartbeats, turns events of the links into lag, and shows it. One instance works at a time. */
export function createLagMonitor(context: ServiceContext): Service {
  const { config, store, bus, metrics, instanceId, clock, logger } = context;

  const trouble = new RecentTrouble(clock, WORKER_TTL_MS);

  async function measure(signal: AbortSignal): Promise<void> {
    const monitors = Object.values(config.pairs).map((pair) => new PairMonitor(context, pair));
    const subscription = await bus.subscribe('links', LEASE, async (event) => {
      for (const monitor of monitors) monitor.handle(event);
    });
    // A bus that is down must not keep anything from being measured.
    subscription.ready.catch(() => undefined);
    try {
      await Promise.all(monitors.map((monitor) => monitor.run(signal)));
    } finally {
      await subscription.close();
    }
  }

  return {
    id: 'lag-monitor',
    run: (signal) =>
      whileHolding(
        store.leases,
        {
          name: LEASE,
          holder: instanceId,
          ttlMs: WORKER_TTL_MS,
          clock,
          // Two that measure would overwrite each other's heartbeats.
          outage: 'stop',
          onHeld: (held) => metrics.set('lease_held', { name: LEASE }, held ? 1 : 0),
          onTrouble: (thrown) => {
            const reason = isAppError(thrown) ? thrown.message : 'unexpected';
            trouble.note(`${LEASE}: ${reason}`);
            logger.warn({ lease: LEASE, err: thrown }, 'lag is not measured');
          },
        },
        signal,
        ({ lost }) => measure(lost),
      ),
    drain: async () => undefined,
    // A silent bus is not ill health: lag is read from the databases then.
    health: () => trouble.health(),
  };
}
