import { randomBytes } from 'node:crypto';
import { openBus } from '@turnout/bus/open-bus';
import { systemClock } from '@turnout/core/clock';
import type { ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import type { ServiceContext } from '@turnout/service-kit/context';
import { createJournalRelay } from '@turnout/service-kit/journal-relay';
import { createLogger } from '@turnout/service-kit/logger';
import { createMetrics } from '@turnout/service-kit/metrics';
import { runServices, type Service } from '@turnout/service-kit/service';
import { openStore } from '@turnout/store/store';
import { Cleanup } from '../cleanup.js';

/** In the order in which they drain. Each loads only when asked for. */
const CREATORS = {
  coordinator: async () => (await import('@turnout/coordinator/service')).createCoordinator,
  checker: async () => (await import('@turnout/checker/service')).createChecker,
  'lag-monitor': async () => (await import('@turnout/lag-monitor/service')).createLagMonitor,
  replicator: async () => (await import('@turnout/replicator/service')).createReplicator,
} as const satisfies Record<string, () => Promise<(context: ServiceContext) => Service>>;

export type ServiceName = keyof typeof CREATORS;

/** Of services in this process; `debug` shows what they do when a test is being written. */
const LOG_LEVEL = process.env['TURNOUT_TEST_LOG'] ?? 'fatal';

export interface OpenedContext extends AsyncDisposable {
  readonly context: ServiceContext;
}

/** Opens store and bus of a process of its own, as `turnout serve` does. */
export async function openContext(
  config: ResolvedConfig,
  instanceId = `test-${randomBytes(4).toString('hex')}`,
): Promise<OpenedContext> {
  const cleanup = new Cleanup();
  try {
    const logger = createLogger({ level: LOG_LEVEL, service: instanceId });
    const name = `turnout/0/store/${instanceId}`;
    const store = await openStore({ endpoint: config.control, applicationName: name });
    cleanup.add('store', () => store.close());
    const bus = await openBus(config.bus, { endpoint: config.control, logger });
    cleanup.add('bus', () => bus.close());
    const metrics = createMetrics();
    const context = { config, store, bus, logger, metrics, clock: systemClock, instanceId };
    return { context, [Symbol.asyncDispose]: () => cleanup.finish() };
  } catch (thrown) {
    await cleanup.run();
    throw thrown;
  }
}

/** Services at work in this process. */
export interface RunningServices extends AsyncDisposable {
  /** Their store, bus and metrics. */
  readonly context: ServiceContext;
  /** Drains and ends them; idempotent. */
  stop(): Promise<void>;
}

export interface ServicesOrder {
  /** Who they are in leases and logs. */
  readonly instanceId?: string | undefined;
  /** Called by a coordinator at its named points; see `Holds`. */
  readonly failpoint?: ((name: string) => Promise<void>) | undefined;
}

export async function startServices(
  names: readonly ServiceName[],
  config: ResolvedConfig,
  { instanceId, failpoint }: ServicesOrder = {},
): Promise<RunningServices> {
  const opened = await openContext(config, instanceId);
  const context = failpoint ? { ...opened.context, failpoint } : opened.context;
  const services: Service[] = [];
  for (const name of Object.keys(CREATORS) as ServiceName[]) {
    if (names.includes(name)) services.push((await CREATORS[name]())(context));
  }
  if (names.includes('coordinator')) services.push(createJournalRelay(opened.context));
  const ending = new AbortController();
  const { logger } = opened.context;
  const running = runServices(services, { signal: ending.signal, logger });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    ending.abort();
    stopped ??= running.finally(() => opened[Symbol.asyncDispose]());
    return stopped;
  };
  return { context: opened.context, stop, [Symbol.asyncDispose]: stop };
}
