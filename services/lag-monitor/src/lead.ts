import { isCancelled, pause } from '@turnout/core/waiting';
import type { Store } from '@turnout/store/store';

const TTL_MS = 10_000;

export interface Leadership {
  readonly store: Store;
  readonly name: string;
  readonly holder: string;
  readonly signal: AbortSignal;
  readonly onHeld: (held: boolean) => void;
}

/**
 * Runs `work` while the lease is held and waits while another holds it. Two that measure would
 * overwrite each other's heartbeats. `work` is aborted when the lease is lost.
 */
export async function lead(
  { store, name, holder, signal, onHeld }: Leadership,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const lease = await store.leases.acquire(name, holder, TTL_MS);
    if ('epoch' in lease) {
      onHeld(true);
      const lost = new AbortController();
      const stop = AbortSignal.any([signal, lost.signal]);
      const working = work(stop).finally(() => lost.abort());
      // It may reject while the lease is still being given back.
      working.catch(() => undefined);
      try {
        await renewUntil(stop, () => store.leases.renew(name, holder, lease.epoch, TTL_MS));
      } finally {
        lost.abort();
        onHeld(false);
        // Awaited last: its own failure must reach the runner, after the lease was given back.
        await store.leases.release(name, holder, lease.epoch).catch(() => undefined);
        await working;
      }
    }
    await pause(TTL_MS / 3, signal).catch(ignoreCancelled);
  }
}

async function renewUntil(signal: AbortSignal, renew: () => Promise<boolean>): Promise<void> {
  let renewedMs = performance.now();
  while (!signal.aborted) {
    await pause(TTL_MS / 3, signal).catch(ignoreCancelled);
    if (signal.aborted) return;
    const held = await renew().catch(() => null);
    if (held === true) renewedMs = performance.now();
    // A store that does not answer is not a lost lease until the lease has run out.
    if (held === false || performance.now() - renewedMs > TTL_MS) return;
  }
}

function ignoreCancelled(thrown: unknown): void {
  if (!isCancelled(thrown)) throw thrown;
}
