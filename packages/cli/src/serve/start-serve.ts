import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { openBus } from '@turnout/bus/open-bus';
import { createChecker } from '@turnout/checker/service';
import { createCoordinator } from '@turnout/coordinator/service';
import { systemClock } from '@turnout/core/clock';
import { createLagMonitor } from '@turnout/lag-monitor/service';
import { createReplicator } from '@turnout/replicator/service';
import type { ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import type { ServiceContext } from '@turnout/service-kit/context';
import { createJournalRelay } from '@turnout/service-kit/journal-relay';
import { createLogger } from '@turnout/service-kit/logger';
import { createMetrics } from '@turnout/service-kit/metrics';
import { startProbeServer } from '@turnout/service-kit/probe-server';
import { runServices, type Service } from '@turnout/service-kit/service';
import { openStore } from '@turnout/store/store';
import type { ServiceName } from './service-names.js';

const CREATORS: Readonly<Record<ServiceName, (context: ServiceContext) => Service>> = {
  coordinator: createCoordinator,
  checker: createChecker,
  'lag-monitor': createLagMonitor,
  replicator: createReplicator,
};

export interface ServeOptions {
  readonly services: readonly ServiceName[];
  /** Drains all services in order when it aborts. */
  readonly signal: AbortSignal;
}

/**
 * Runs the chosen services in this process until `signal` aborts and all have drained. They share
 * the store and the bus; everything they say to each other goes through these two.
 */
export async function startServe(
  config: ResolvedConfig,
  { services, signal }: ServeOptions,
): Promise<void> {
  const instanceId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  const logger = createLogger({ level: config.log.level, service: 'turnout' });
  const store = await openStore({ endpoint: config.control, applicationName: 'turnout/serve' });
  try {
    await store.migrate();
    const metrics = createMetrics();
    const bus = await openBus(config.bus, {
      endpoint: config.control,
      logger,
      onFailure: (topic, events) => metrics.count('bus_publish_failures_total', { topic }, events),
    });
    try {
      const context = { config, store, bus, logger, metrics, clock: systemClock, instanceId };
      const running = services.map((name) => CREATORS[name](context));
      // The journal is told to the bus from wherever it is written.
      if (services.includes('coordinator')) running.push(createJournalRelay(context));
      const probes = config.metrics && {
        ...config.metrics,
        metrics,
        services: running,
        ready: () => store.pairs.list(),
      };
      const server = probes && (await startProbeServer(probes));
      await runServices(running, { signal, logger });
      await server?.close();
    } finally {
      await bus.close();
    }
  } finally {
    await store.close();
  }
}
