import { isCancelled } from '@turnout/core/waiting';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { Service } from '@turnout/service-kit/service';
import { readTokens } from '@turnout/service-kit/tokens';
import { createRoutes } from '@turnout/traffic/route-config';
import type { FastifyInstance } from 'fastify';
import { Desks, openDesk, type Desk } from './api/desks.js';
import { buildApi } from './api/server.js';
import { followChecks } from './pairs/check-follower.js';
import { advancePair } from './pairs/operator.js';
import { refence } from './sides/refence.js';
import { SideWatch } from './sides/side-watch.js';
import { Dispatcher } from './switchover/dispatcher.js';
import { publishPairMetrics } from './metrics.js';

const LIVE_IDLE_MAX_MS = 30_000;

/** API, pair machine and switchover engine of every configured pair. */
export function createCoordinator(context: ServiceContext): Service {
  let app: FastifyInstance | null = null;
  let desks = new Desks([]);

  async function open(signal: AbortSignal): Promise<void> {
    const { config, store, bus, logger } = context;
    const opened: Desk[] = [];
    for (const pair of Object.values(config.pairs)) {
      await store.pairs.ensure(pair.pair);
      const routes = createRoutes(pair.routes, {
        pair: pair.pair,
        sideUrls: { blue: pair.blue.url, green: pair.green.url },
        redisUrl: config.redisUrl ?? undefined,
      });
      const pairContext = { ...context, pair, routes, bus };
      opened.push(
        openDesk({
          context: pairContext,
          dispatcher: new Dispatcher(pairContext),
          sides: new SideWatch(pairContext),
          signal,
        }),
      );
    }
    desks = new Desks(opened);
    app = await buildApi({
      desks,
      tokens: config.api.tokensFile === null ? [] : await readTokens(config.api.tokensFile),
      logger,
      probes: {
        alive: () => health(),
        ready: () => readiness(),
        metrics: () => context.metrics.registry.metrics(),
      },
    });
    await app.listen({ host: config.api.host, port: config.api.port });
    logger.info({ host: config.api.host, port: config.api.port }, 'API listens');
  }

  function health(): { ok: boolean; reason: string | null } {
    const idle = desks.all().map((desk) => desk.sides.idleMs());
    const worst = Math.max(0, ...idle);
    return worst > LIVE_IDLE_MAX_MS
      ? { ok: false, reason: `no progress for ${Math.round(worst)} ms` }
      : { ok: true, reason: null };
  }

  async function readiness(): Promise<{ ok: boolean; reason: string | null }> {
    try {
      await context.store.pairs.list();
      return { ok: true, reason: null };
    } catch {
      return { ok: false, reason: 'control store does not answer' };
    }
  }

  async function runDesk(desk: Desk, signal: AbortSignal): Promise<void> {
    await reconcileRoutes(desk);
    await desk.dispatcher.resume();
    desk.background('start', (stop) => advancePair(desk.context, 'recovery', stop));
    await desk.sides.run(signal, (rows) => refence(desk.context, rows));
  }

  return {
    id: 'coordinator',
    async run(signal) {
      await open(signal);
      const { store } = context;
      const stopListening = await store.listen((topic, pair) => {
        if (topic !== 'journal') return;
        for (const desk of desks.all()) {
          if (desk.context.pair.pair === pair) desk.notifyJournal();
        }
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
      } catch (thrown) {
        if (!isCancelled(thrown)) throw thrown;
      } finally {
        await stopListening();
        await close();
      }
    },
    drain: async () => {
      await Promise.all(desks.all().map((desk) => desk.dispatcher.settled()));
    },
    health,
  };

  async function close(): Promise<void> {
    for (const desk of desks.all()) {
      for (const stream of desk.streams) stream.end();
      await desk.dispatcher.settled();
      await desk.context.routes.close();
    }
    await app?.close();
    app = null;
  }
}

/** Poolers may have been left paused by a process that died: before anything else they are freed. */
async function reconcileRoutes({ context, sides }: Desk): Promise<void> {
  const row = await context.store.pairs.get(context.pair.pair);
  if (row === null || !['verifying', 'ready', 'on_green', 'switching'].includes(row.phase)) return;
  try {
    const rows = await sides.look();
    const open = rows.blue.state === 'open' ? 'blue' : rows.green.state === 'open' ? 'green' : null;
    if (open !== null) await context.routes.reconcile(open, rows[open].fenceEpoch);
  } catch (thrown) {
    context.logger.warn({ err: thrown }, 'routes could not be reconciled yet');
  }
}
