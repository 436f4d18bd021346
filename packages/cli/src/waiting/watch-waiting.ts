import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { pause } from '@turnout/core/waiting';
import type { Rail } from './rail.js';

const INTERVAL_MS = 1_000;

/**
 * Shows what the pair waits for until `signal` aborts. A status that cannot be had is not this watch's
 * to tell: whoever waits for the outcome reads from the same API and says so.
 */
export async function watchWaiting(
  client: TurnoutClient,
  pair: string,
  rail: Rail,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      rail.waiting((await client.status(pair, { signal })).waiting ?? null);
    } catch {
      // Told by the other reader.
    }
    await pause(INTERVAL_MS, signal).catch(() => undefined);
  }
}
