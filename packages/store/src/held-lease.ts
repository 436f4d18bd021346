import type { Clock } from '@turnout/core/clock';
import { isCancelled, pause } from '@turnout/core/waiting';
import type { Leases } from './leases.js';

/** Of every worker: how late a successor may begin after its predecessor died. */
export const WORKER_TTL_MS = 10_000;

export interface LeaseTerms {
  readonly name: string;
  /** Unique per process. */
  readonly holder: string;
  readonly ttlMs: number;
  readonly clock: Clock;
  /**
   * What a store that does not answer for a whole life means. `stop` for work that nothing else fences;
   * `go_on` where the sides fence it (LINKS 2): only another holder ends it then.
   */
  readonly outage: 'stop' | 'go_on';
  /** Told when the lease is taken and when it ends, for a metric. */
  readonly onHeld?: ((held: boolean) => void) | undefined;
  /** Told why the lease could not be asked for or renewed; it is tried again. */
  readonly onTrouble?: ((thrown: unknown) => void) | undefined;
}

export interface HeldLease {
  readonly epoch: bigint;
  /**
   * Aborts when another holds the lease, or (`stop`) when it could not be renewed for its whole life.
   * The life is counted from before each renewal was sent, so this process gives up no later than the
   * store gives the lease away.
   */
  readonly lost: AbortSignal;
  /** Asks the store now; false once the lease is another's. @throws TRN6001 */
  stillHeld(): Promise<boolean>;
}

/**
 * Runs `work` whenever the lease is held, again and again until `signal` aborts. `work` ends when
 * `lost` aborts, or earlier to give the lease back; what it throws is told and it is begun anew.
 */
export async function whileHolding(
  leases: Leases,
  terms: LeaseTerms,
  signal: AbortSignal,
  work: (lease: HeldLease) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await holdOnce(leases, terms, signal, work);
    } catch (thrown) {
      if (signal.aborted) return;
      if (!isCancelled(thrown)) terms.onTrouble?.(thrown);
    }
    await pause(terms.ttlMs / 10, signal).catch(() => undefined);
  }
}

async function holdOnce(
  leases: Leases,
  { name, holder, ttlMs, clock, outage, onHeld, onTrouble }: LeaseTerms,
  signal: AbortSignal,
  work: (lease: HeldLease) => Promise<void>,
): Promise<void> {
  let renewedMs = clock.monotonicMs();
  const answer = await leases.acquire(name, holder, ttlMs);
  if (!('epoch' in answer)) return;
  const { epoch } = answer;
  const lost = new AbortController();
  const renew = async (): Promise<boolean> => {
    const sentMs = clock.monotonicMs();
    const held = await leases.renew(name, holder, epoch, ttlMs);
    if (held) renewedMs = sentMs;
    else lost.abort();
    return held;
  };
  let renewing: Promise<unknown> | null = null;
  const timer = setInterval(() => {
    if (outage === 'stop' && clock.monotonicMs() - renewedMs >= ttlMs) lost.abort();
    renewing ??= renew()
      .catch((thrown: unknown) => onTrouble?.(thrown))
      .finally(() => {
        renewing = null;
      });
  }, ttlMs / 6);
  onHeld?.(true);
  try {
    await work({ epoch, lost: AbortSignal.any([signal, lost.signal]), stillHeld: renew });
  } finally {
    clearInterval(timer);
    onHeld?.(false);
    await leases.release(name, holder, epoch).catch(() => undefined);
  }
}
