import { fail } from '@turnout/contracts/errors';
import type { Lease, RunDependencies } from './run.js';

/**
 * Between the two commits nobody can write until a successor acts, and it acts when this is over; a
 * process that is merely slow is fenced by the claims, so a short life endangers nothing.
 */
export const LEASE_TTL_MS = 3_000;

/**
 * Takes a named lease and renews it at a third of its life. A renewal that fails, or finds another
 * holder, aborts `lost`; the data sides are protected by the claims, not by this.
 * @throws TRN6002 when another holds it
 */
export async function holdLease(
  { store, instanceId, clock }: Pick<RunDependencies, 'store' | 'instanceId' | 'clock'>,
  name: string,
): Promise<Lease> {
  const answer = await store.leases.acquire(name, instanceId, LEASE_TTL_MS);
  if (!('epoch' in answer)) {
    throw fail('lease_held', { lease: name, held_by: answer.heldBy });
  }
  const { epoch } = answer;
  const lost = new AbortController();
  let renewedMs = clock.monotonicMs();
  const timer = setInterval(() => {
    store.leases.renew(name, instanceId, epoch, LEASE_TTL_MS).then(
      (held) => {
        if (held) renewedMs = clock.monotonicMs();
        else lost.abort();
      },
      () => {
        // The store may be away for a moment; only after a whole life is the lease another's.
        if (clock.monotonicMs() - renewedMs > LEASE_TTL_MS) lost.abort();
      },
    );
  }, LEASE_TTL_MS / 3);
  timer.unref();
  return {
    epoch,
    lost: lost.signal,
    release: async () => {
      clearInterval(timer);
      await store.leases.release(name, instanceId, epoch).catch(() => undefined);
    },
  };
}
