import { DIRECTIONS } from '@turnout/core/sides';
import type { ServiceContext } from '@turnout/service-kit/context';
import { RecentTrouble } from '@turnout/service-kit/recent-trouble';
import type { Health, Service } from '@turnout/service-kit/service';
import { WORKER_TTL_MS } from '@turnout/store/held-lease';
import { LinkWorker } from './link-worker.js';
import { linkMetrics } from './metrics.js';

/** Copies, streams and applies: one worker for each direction of each configured pair. */
export function createReplicator(context: ServiceContext): Service {
  const { config, store, bus, logger, metrics, clock, instanceId } = context;
  const log = logger.child({ part: 'replicator' });
  const counted = linkMetrics(metrics);
  const drained = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let state: Health = { ok: false, reason: 'not started' };
  const trouble = new RecentTrouble(clock, WORKER_TTL_MS);

  const work = async (signal: AbortSignal): Promise<void> => {
    const workers = Object.values(config.pairs).flatMap((settings) =>
      DIRECTIONS.map((link) => ({
        pair: settings.name,
        worker: new LinkWorker({
          settings,
          link,
          store,
          events: bus,
          log,
          metrics: counted,
          clock,
          instanceId,
          onTrouble: (reason) => trouble.note(reason),
        }),
      })),
    );
    const unlisten = await store.listen((topic, pair, detail) => {
      // Our own reports come back too.
      if (topic !== 'links' || detail.endsWith('observed')) return;
      for (const entry of workers) if (entry.pair === pair) entry.worker.wake();
    });
    state = { ok: true, reason: null };
    try {
      await Promise.all(workers.map(({ worker }) => worker.run(signal)));
    } finally {
      state = { ok: false, reason: 'stopped' };
      await unlisten();
    }
  };

  return {
    id: 'replicator',
    run(signal) {
      running = work(AbortSignal.any([signal, drained.signal]));
      return running;
    },
    /** Links stop between two target transactions; what was not applied is read again later. */
    async drain() {
      drained.abort();
      await running.catch(() => undefined);
    },
    // Links stream on without the store, but nothing reaches them that is desired meanwhile.
    health: () => (state.ok ? trouble.health() : state),
  };
}
