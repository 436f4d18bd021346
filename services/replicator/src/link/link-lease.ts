import { pause } from '@turnout/core/waiting';
import type { LinkContext } from '../replicator-context.js';

export const LEASE_TTL_MS = 10_000;
const RENEW_INTERVAL_MS = LEASE_TTL_MS / 3;
/** How often a lease held by another is asked for again. */
const ACQUIRE_INTERVAL_MS = 1_000;

/**
 * Waits for the lease, runs `work` while it is held, and gives it back. The signal of `work` aborts
 * when the lease is lost or could not be renewed for its whole time.
 */
export async function keepLease(
  name: string,
  { store, instanceId, clock, metrics, log }: LinkContext,
  signal: AbortSignal,
  work: (epoch: bigint, held: AbortSignal) => Promise<void>,
): Promise<void> {
  const answer = await store.leases.acquire(name, instanceId, LEASE_TTL_MS);
  if (!('epoch' in answer)) {
    await pause(Math.min(ACQUIRE_INTERVAL_MS, Math.max(10, answer.expiresInMs)), signal);
    return;
  }
  const { epoch } = answer;
  const lost = new AbortController();
  let renewedAtMs = clock.monotonicMs();
  let renewing = false;
  const renew = async (): Promise<void> => {
    if (renewing) return;
    renewing = true;
    const startedMs = clock.monotonicMs();
    try {
      if (await store.leases.renew(name, instanceId, epoch, LEASE_TTL_MS)) renewedAtMs = startedMs;
      else lost.abort();
    } catch (thrown) {
      log.warn({ lease: name, err: thrown }, 'lease could not be renewed');
    } finally {
      renewing = false;
    }
  };
  const timer = setInterval(() => {
    if (clock.monotonicMs() - renewedAtMs >= LEASE_TTL_MS) lost.abort();
    else void renew();
  }, RENEW_INTERVAL_MS);
  metrics.leaseHeld(name, true);
  try {
    await work(epoch, AbortSignal.any([signal, lost.signal]));
  } finally {
    clearInterval(timer);
    metrics.leaseHeld(name, false);
    await store.leases.release(name, instanceId, epoch).catch(() => undefined);
  }
}
