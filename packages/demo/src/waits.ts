import type { CheckAnswer, StatusAnswer, SwitchoverAnswer } from '@turnout/api-client/answers';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { errorNamed, fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import { PAIR } from './options.js';

const START_MS_MAX = 300_000;
const CHECK_MS_MAX = 300_000;
const SWITCH_MS_MAX = 120_000;

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

/** Waits until the forward link streams with nothing left to copy; a link that fails ends the wait. */
export function awaitStreaming(client: TurnoutClient, signal: AbortSignal): Promise<StatusAnswer> {
  return waitUntil(
    async () => {
      const status = await client.status(PAIR, { signal });
      const link = status.links.find(({ direction }) => direction === 'forward');
      const errored = status.conditions.find(({ condition }) => condition === 'errored');
      if (link?.observed === 'failed' || errored || status.phase === 'aborted') {
        const code = link?.code ?? errored?.code ?? null;
        throw fail((code !== null && errorNamed(code)) || 'link_failed', {
          pair: PAIR,
          phase: status.phase,
          message: link?.message ?? errored?.reason ?? null,
        });
      }
      const copying = ['draft', 'preflight', 'copying'].includes(status.phase);
      return link?.observed === 'streaming' && !copying ? status : undefined;
    },
    {
      timeoutMs: START_MS_MAX,
      intervalMs: 250,
      signal,
      onTimeout: () => fail('link_failed', { pair: PAIR, waited_ms: START_MS_MAX }),
    },
  );
}

/** Waits for a check to end, however it ends. */
export function awaitCheck(
  client: TurnoutClient,
  id: string,
  signal: AbortSignal,
): Promise<CheckAnswer> {
  return waitUntil(
    async () => {
      const check = await client.check(PAIR, id, { signal });
      return check.outcome === 'running' ? undefined : check;
    },
    {
      timeoutMs: CHECK_MS_MAX,
      intervalMs: 200,
      signal,
      onTimeout: () =>
        fail('check_inconclusive', { pair: PAIR, check: id, waited_ms: CHECK_MS_MAX }),
    },
  );
}

/** Waits for a switchover to end, however it ends, and for the pair to have moved on. */
export async function awaitSwitchover(
  client: TurnoutClient,
  id: string,
  signal: AbortSignal,
): Promise<SwitchoverAnswer> {
  const ended = await waitUntil(
    async () => {
      const answer = await client.switchover(PAIR, id, { signal });
      return answer.outcome === 'running' ? undefined : answer;
    },
    {
      timeoutMs: SWITCH_MS_MAX,
      intervalMs: 50,
      signal,
      onTimeout: () =>
        fail('operator_needed', { pair: PAIR, switchover: id, waited_ms: SWITCH_MS_MAX }),
    },
  );
  if (ended.outcome !== 'committed') return ended;
  await awaitPhase(client, ['ready', 'on_green', 'soaking'], signal, SWITCH_MS_MAX);
  return client.switchover(PAIR, id, { signal });
}
