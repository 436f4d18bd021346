import { isCancelled, pause } from '@turnout/core/waiting';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { Service } from '@turnout/service-kit/service';
import type { PairContext } from './checker-context.js';
import { reasonOf } from './checks/check-failure.js';
import { createMeters } from './metrics.js';
import { PairChecker } from './pair-checker.js';

const LEASE_TTL_MS = 10_000;
/** Pause before asking again for a lease that another holds, or after the store did not answer. */
const ACQUIRE_INTERVAL_MS = 1_000;
const TOPICS = new Set(['checks', 'tracking', 'pairs']);

/** Verifies every configured pair whose lease this process gets. */
export function createChecker(context: ServiceContext): Service {
  const { config, store, logger, metrics, instanceId } = context;
  const meters = createMeters(metrics, (pair) => store.checks.openDifferences(pair));
  const checkers = new Map<string, PairChecker>();
  let problem: string | null = null;

  const servePair = async (pair: PairContext['pair'], signal: AbortSignal): Promise<void> => {
    const own: PairContext = { pair, store, log: logger, meters, instanceId };
    while (!signal.aborted) {
      try {
        await holdLease(own, signal, checkers);
        problem = null;
      } catch (thrown) {
        if (signal.aborted || isCancelled(thrown)) return;
        problem = reasonOf(thrown);
        logger.warn({ pair: pair.name, reason: problem }, 'checker cannot serve the pair');
      }
      await pause(ACQUIRE_INTERVAL_MS, signal).catch(() => undefined);
    }
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
    health: () => ({ ok: problem === null, reason: problem }),
  };
}

/** Serves the pair for as long as the lease can be renewed; returns when it could not be had. */
async function holdLease(
  context: PairContext,
  signal: AbortSignal,
  checkers: Map<string, PairChecker>,
): Promise<void> {
  const { store, instanceId, pair, log } = context;
  const name = `checker/${pair.name}`;
  const lease = await store.leases.acquire(name, instanceId, LEASE_TTL_MS);
  if (!('epoch' in lease)) return;
  const lost = new AbortController();
  let renewedAtMs = performance.now();
  const renewal = setInterval(() => {
    store.leases.renew(name, instanceId, lease.epoch, LEASE_TTL_MS).then(
      (held) => {
        if (held) renewedAtMs = performance.now();
        else lost.abort();
      },
      () => {
        // Given up before the store gives it away: two readers would fight over one slot.
        if (performance.now() - renewedAtMs > (LEASE_TTL_MS * 2) / 3) lost.abort();
      },
    );
  }, LEASE_TTL_MS / 3);
  const checker = new PairChecker(context, lease.epoch);
  checkers.set(pair.name, checker);
  try {
    await checker.run(AbortSignal.any([signal, lost.signal]));
    if (lost.signal.aborted) log.warn({ pair: pair.name }, 'lease of the checker was lost');
  } finally {
    clearInterval(renewal);
    checkers.delete(pair.name);
    if (!lost.signal.aborted) {
      await store.leases.release(name, instanceId, lease.epoch).catch(() => undefined);
    }
  }
}
