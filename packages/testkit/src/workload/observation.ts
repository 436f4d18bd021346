import { pause } from '@turnout/core/waiting';
import { sharedMonotonicMs } from './monotonic.js';
import type { Probers } from './prober.js';
import type { Writers } from './writers.js';

/**
 * A stall that a switch caused may end only after the switch does. Writers that are told to stop at
 * that moment leave their last gaps open, and an open gap cannot be told from a stall.
 */
export const LINGER_MS = 500;

/**
 * Lets writers and probers go on for `LINGER_MS`, ends them, and answers when the writers were told
 * to stop, in shared monotonic milliseconds: no gap ends later than that.
 */
export async function endObservation(
  writers: Writers,
  probers: Probers,
  signal?: AbortSignal,
): Promise<number> {
  await pause(LINGER_MS, signal);
  const untilMs = sharedMonotonicMs();
  await writers.stop();
  await probers.stop();
  return untilMs;
}
