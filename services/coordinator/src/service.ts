import { isCancelled } from '@turnout/core/waiting';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { Service } from '@turnout/service-kit/service';
import { readTokens } from '@turnout/service-kit/tokens';
import { Desks, type Desk } from './api/desks.js';
import { buildApi } from './api/server.js';
import { aliveness, readiness } from './health.js';
import { publishPairMetrics } from './metrics.js';
import { closeDesks, openDesks } from './open-desks.js';
import { followChecks } from './pairs/check-follower.js';
import { advancePair } from './pairs/operator.js';
import { keepRoutes, reconcileRoutes } from './sides/reconcile-routes.js';
import { refence } from './sides/refence.js';

/** What a coordinator does for one pair, besides answering: recover, go on, watch. */
async function runDesk(desk: Desk, signal: AbortSignal): Promise<void> {
  await reconcileRoutes(desk);
  await desk.dispatcher.resume(signal);
  desk.background('start', (stop) => advancePair(desk.context, 'recovery', stop));
  await desk.sides.run(signal, {
    onBothOpen: (rows) => refence(desk.context, rows),
    onOneOpen: keepRoutes(desk),
  });
}

async function runDesks(context: ServiceContext, desks: Desks, signal: AbortSignal): Promise<void> {
  const stopListening = await context.store.listen((topic, pair) => {
    if (topic !== 'journal') return;
    for (const desk of desks.all()) if (desk.context.pair.name === pair) desk.notifyJournal();
  });
  try {
    await Promise.all(
      desks
        .all()
        .flatMap((desk) => [
          runDesk(desk, signal),
          followChecks(desk.context, signal),
          publishPairMetrics(desk.context, signal),
        ]),
    );
  } finally {
    await stopListening();
  }
}

/** API, pair machine and switchover engine of every configured pair. */
export function createCoordinator(context: ServiceContext): Service {
  const { config, logger, metrics } = context;
  let desks = new Desks([]);
  return {
    id: 'coordinator',
    async run(signal) {
      desks = await openDesks(context, signal);
      const { tokensFile, host, port } = config.api;
      const api = await buildApi({
        desks,
        tokens: tokensFile === null ? [] : await readTokens(tokensFile),
        logger,
        probes: {
          alive: () => aliveness(desks),
          ready: () => readiness(context),
          metrics: () => metrics.registry.metrics(),
        },
      });
      try {
        await api.listen({ host, port });
        logger.info({ host, port }, 'API listens');
        await runDesks(context, desks, signal);
      } catch (thrown) {
        if (!isCancelled(thrown)) throw thrown;
      } finally {
        await closeDesks(desks);
        await api.close();
      }
    },
    /** A switch that runs is finished first: it would be undone or settled by a successor. */
    drain: async () => {
      await Promise.all(desks.all().map((desk) => desk.dispatcher.settled()));
    },
    health: () => aliveness(desks),
  };
}
