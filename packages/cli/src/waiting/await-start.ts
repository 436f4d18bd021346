import type { ConditionAnswer, StatusAnswer } from '@turnout/api-client/answers';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { errorNamed, fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import { steadyReader, type SteadyOptions } from './steady-read.js';

export interface PhaseLimits extends SteadyOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Sees every answer; for a live line. */
  readonly onAnswer?: ((status: StatusAnswer) => void) | undefined;
}

export interface StartLimits extends PhaseLimits {
  /** Also until what was written during the copy is applied, so that a check may begin. */
  readonly caughtUp?: boolean | undefined;
}

/** Waits until the pair's current link streams with nothing left to copy. */
export function awaitStreaming(
  client: TurnoutClient,
  pair: string,
  { signal, timeoutMs, caughtUp = false, onAnswer, ...steady }: StartLimits,
): Promise<StatusAnswer> {
  const read = steadyReader(steady);
  let last: StatusAnswer | undefined;
  return waitUntil(
    async () => {
      const status = await read(() => client.status(pair, { signal }));
      if (status === undefined) return undefined;
      last = status;
      onAnswer?.(status);
      const link = status.links.find(({ direction }) => direction === status.direction);
      if (link?.observed === 'failed') {
        throw fail((link.code && errorNamed(link.code)) || 'link_failed', {
          pair,
          code: link.code ?? null,
          message: link.message ?? link.why ?? null,
        });
      }
      refuseErrored(status);
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
        fail('link_failed', {
          pair,
          waited_ms: timeoutMs,
          phase: last?.phase ?? null,
          waits_for: last?.waiting?.for ?? null,
          to_do: last?.waiting?.remedy ?? null,
        }),
    },
  );
}

/**
 * Waits until the pair is in `phase`, in which nothing of Turnout is left on either side.
 * @throws TRN5027 with what the pair waits for, when the time is up
 */
export function awaitPhase(
  client: TurnoutClient,
  pair: string,
  phase: string,
  { signal, timeoutMs, onAnswer, ...steady }: PhaseLimits,
): Promise<StatusAnswer> {
  const read = steadyReader(steady);
  let waiting: StatusAnswer['waiting'];
  return waitUntil(
    async () => {
      const status = await read(() => client.status(pair, { signal }));
      if (status === undefined) return undefined;
      onAnswer?.(status);
      waiting = status.waiting;
      return status.phase === phase ? status : undefined;
    },
    {
      timeoutMs,
      intervalMs: 250,
      signal,
      onTimeout: () =>
        fail('cleanup_unfinished', {
          pair,
          waited_ms: timeoutMs,
          waits_for: waiting?.for ?? null,
          to_do: waiting?.remedy ?? null,
        }),
    },
  );
}

function refuseErrored({ pair, conditions }: StatusAnswer): void {
  const errored = conditions.find(({ condition }) => condition === 'errored');
  if (errored) throw startError(pair, errored);
}

function startError(pair: string, { code, reason }: ConditionAnswer): Error {
  return fail((code !== null && errorNamed(code)) || 'unexpected', { pair, reason });
}
