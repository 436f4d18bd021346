import type { ServiceContext } from '@turnout/service-kit/context';
import { RecentTrouble } from '@turnout/service-kit/recent-trouble';
import type { Service } from '@turnout/service-kit/service';
import { whileHolding, WORKER_TTL_MS } from '@turnout/store/held-lease';
import type { PairContext } from './checker-context.js';
import { reasonOf } from './check-failure.js';
import { createMeters } from './metrics.js';
import { PairChecker } from './pair-checker.js';

const TOPICS = new Set(['checks', 'tracking', 'pairs']);

/** Verifies every configured pair whose lease this process gets. */
export function createChecker(context: ServiceContext): Service {
  const { config, store, logger, metrics, instanceId, clock } = context;
  const meters = createMeters(metrics, (pair) => store.checks.openDifferences(pair));
  const checkers = new Map<string, PairChecker>();
  const trouble = new RecentTrouble(clock, WORKER_TTL_MS);

  const servePair = (pair: PairContext['pair'], signal: AbortSignal): Promise<void> => {
    const own: PairContext = { pair, store, log: logger, meters, instanceId };
    const name = `checker/${pair.name}`;
    return whileHolding(
      store.leases,
      {
        name,
        holder: instanceId,
        ttlMs: WORKER_TTL_MS,
        clock,
        // Two readers would end each other: a slot has one, and each frees it before it starts.
        outage: 'stop',
        onHeld: (held) => metrics.set('lease_held', { name }, held ? 1 : 0),
        onTrouble: (thrown) => {
          const reason = reasonOf(thrown);
          trouble.note(`${name}: ${reason}`);
          logger.warn({ pair: pair.name, reason }, 'checker cannot serve the pair');
        },
      },
      signal,
      async ({ epoch, lost }) => {
        const checker = new PairChecker(own, epoch);
        checkers.set(pair.name, checker);
        await checker.run(lost).finally(() => checkers.delete(pair.name));
      },
    );
  };

  return {
    id: 'checker',
    async run(signal) {
      const unlisten = await store.listen((topic, pair) => {
        if (TOPICS.has(topic)) checkers.get(pair)?.wake();
      });
      try {
        await Promise.all(Object.values(config.pairs).map((pair) => servePair(pair, signal)));
      } finally {
        await unlisten();
      }
    },
    // A check that is cut ends as "could not verify": nothing has to be waited for.
    drain: () => Promise.resolve(),
    health: () => trouble.health(),
  };
}
