import type { ConditionAnswer, StatusAnswer } from '@turnout/api-client/answers';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { errorNamed, fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';

export interface Patience {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Also until what was written during the copy is applied, so that a check may begin. */
  readonly caughtUp?: boolean | undefined;
  /** Sees every answer; for a live line. */
  readonly onAnswer?: ((status: StatusAnswer) => void) | undefined;
}

/** Waits until the pair's current link streams with nothing left to copy. */
export function awaitStreaming(
  client: TurnoutClient,
  pair: string,
  { signal, timeoutMs, caughtUp = false, onAnswer }: Patience,
): Promise<StatusAnswer> {
  return waitUntil(
    async () => {
      const status = await client.status(pair, { signal });
      onAnswer?.(status);
      const link = status.links.find(({ direction }) => direction === status.direction);
      if (link?.observed === 'failed') {
        throw fail('copy_failed', { pair, code: link.code ?? null, message: link.message ?? null });
      }
      const errored = status.conditions.find(({ condition }) => condition === 'errored');
      if (errored) throw startError(pair, errored);
      if (status.phase === 'aborted') throw fail('phase_mismatch', { pair, phase: status.phase });
      const copying = ['draft', 'preflight', 'copying'].includes(status.phase);
      const behind = caughtUp && status.phase === 'catching_up';
      return link?.observed === 'streaming' && !copying && !behind ? status : undefined;
    },
    {
      timeoutMs,
      intervalMs: 250,
      signal,
      onTimeout: () =>
        fail('copy_failed', { pair, waited_ms: timeoutMs, state: 'not streaming yet' }),
    },
  );
}

function startError(pair: string, { code, reason }: ConditionAnswer): Error {
  return fail((code !== null && errorNamed(code)) || 'unexpected', { pair, reason });
}
