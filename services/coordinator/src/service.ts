import { isCancelled } from '@turnout/core/waiting';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { Service } from '@turnout/service-kit/service';
import { readTokens } from '@turnout/service-kit/tokens';
import { createRoutes } from '@turnout/traffic/route-config';
import { buildApi } from './api/server.js';
import { aliveness, readiness } from './health.js';
import { PairRuntime, Runtimes } from './runtime.js';

/** Topics of the store that ask something of the loop. */
const ASKING = new Set(['links', 'checks', 'switchovers', 'requests']);

/** One runtime for each configured pair; a pair is known to the store from its first configuration. */
async function openRuntimes(context: ServiceContext): Promise<Runtimes> {
  const { config, store } = context;
  const opened: PairRuntime[] = [];
  for (const pair of Object.values(config.pairs)) {
    await store.pairs.ensure(pair.name);
    const routes = createRoutes(pair.routes, {
      pair: pair.name,
      sideUrls: { blue: pair.blue.url, green: pair.green.url },
      redisUrl: config.redisUrl ?? undefined,
    });
    const failpoint = context.failpoint ?? (async () => undefined);
    opened.push(new PairRuntime({ ...context, pair, routes, failpoint }));
  }
  return new Runtimes(opened);
}

async function runAll(
  { store }: ServiceContext,
  runtimes: Runtimes,
  signal: AbortSignal,
): Promise<void> {
  const stopListening = await store.listen((topic, pair) => {
    const runtime = runtimes.all().find((each) => each.context.pair.name === pair);
    if (topic === 'journal') runtime?.notifyJournal();
    else if (ASKING.has(topic)) runtime?.loop.wake();
  });
  try {
    await Promise.all(runtimes.all().map((each) => each.run(signal)));
  } finally {
    await stopListening();
  }
}

/** API, and the loop of every configured pair. */
export function createCoordinator(context: ServiceContext): Service {
  const { config, logger, metrics } = context;
  let runtimes = new Runtimes([]);
  return {
    id: 'coordinator',
    async run(signal) {
      runtimes = await openRuntimes(context);
      const { tokensFile, host, port } = config.api;
      const api = await buildApi({
        runtimes,
        tokens: tokensFile === null ? [] : await readTokens(tokensFile),
        logger,
        probes: {
          alive: () => aliveness(runtimes),
          ready: () => readiness(context, runtimes),
          metrics: () => metrics.registry.metrics(),
        },
      });
      try {
        await api.listen({ host, port });
        logger.info({ host, port }, 'API listens');
        await runAll(context, runtimes, signal);
      } catch (thrown) {
        if (!isCancelled(thrown)) throw thrown;
      } finally {
        for (const runtime of runtimes.all()) await runtime.context.routes.close();
        await api.close();
      }
    },
    /** A switch that runs is finished first: it would be undone or settled by a successor. */
    drain: async () => {
      await Promise.all(runtimes.all().map((runtime) => runtime.drain()));
    },
    health: () => aliveness(runtimes),
  };
}
