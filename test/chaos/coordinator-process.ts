import { openBus } from '@turnout/bus/open-bus';
import { createCoordinator } from '@turnout/coordinator/service';
import { systemClock } from '@turnout/core/clock';
import type { ResolvedConfig } from '@turnout/service-kit/config/resolve-config';
import { createLogger, type Logger } from '@turnout/service-kit/logger';
import { createMetrics } from '@turnout/service-kit/metrics';
import { runServices } from '@turnout/service-kit/service';
import { openStore } from '@turnout/store/store';

interface Job {
  readonly config: ResolvedConfig;
  /** Step or commit behind which this process kills itself; null never. */
  readonly killAfter: string | null;
}

/** A logger as failpoint: the engine tells each step as it ends, so the death is exact. */
function deadlyLogger(killAfter: string | null): Logger {
  const logger = createLogger({ level: process.env['CHAOS_LOG'] ?? 'fatal', service: 'chaos' });
  const info = logger.info.bind(logger);
  const deadly = (facts: object, message?: string): void => {
    const { step, commit } = facts as { step?: string; commit?: string };
    if (killAfter !== null && (step === killAfter || commit === killAfter)) {
      process.kill(process.pid, 'SIGKILL');
    }
    info(facts, message);
  };
  return Object.assign(logger, { info: deadly });
}

process.once('message', (job: Job) => void run(job));
// Its parent is the test: without it there is nothing to coordinate.
process.once('disconnect', () => process.exit(0));

async function run({ config, killAfter }: Job): Promise<void> {
  const logger = deadlyLogger(killAfter);
  const store = await openStore({ endpoint: config.control, applicationName: 'turnout/0/store/y' });
  const bus = await openBus(config.bus, { endpoint: config.control, logger });
  const context = {
    config,
    store,
    bus,
    logger,
    metrics: createMetrics(),
    clock: systemClock,
    instanceId: `coordinator-${process.pid}`,
  };
  await runServices([createCoordinator(context)], {
    signal: new AbortController().signal,
    logger,
  });
}
