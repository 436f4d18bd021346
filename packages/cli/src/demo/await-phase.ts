import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import { PAIR } from './demo-options.js';

/** Waits until the pair stands in one of `phases`. */
export function awaitPhase(
  client: TurnoutClient,
  phases: readonly string[],
  signal: AbortSignal,
  timeoutMs: number,
): Promise<string> {
  let last = 'unknown';
  return waitUntil(
    async () => {
      const { pairs } = await client.pairs({ signal });
      last = pairs.find(({ pair }) => pair === PAIR)?.phase ?? 'unknown';
      return phases.includes(last) ? last : undefined;
    },
    {
      timeoutMs,
      intervalMs: 100,
      signal,
      onTimeout: () =>
        fail('phase_mismatch', { pair: PAIR, phase: last, expected: phases.join(' or ') }),
    },
  );
}
