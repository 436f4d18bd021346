import type { CheckAnswer, SwitchoverAnswer } from '@turnout/api-client/answers';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { ERRORS, errorNamed, fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import { steadyReader, type SteadyOptions } from './steady-read.js';

const CHECK_TIMEOUT_MS = 24 * 3_600_000;
const SWITCHOVER_TIMEOUT_MS = 15 * 60_000;
const CHECK_POLL_MS = 200;
const SWITCHOVER_POLL_MS = 50;

/** Sees every answer on the way, for a rail. */
interface Watching<T> extends SteadyOptions {
  readonly onAnswer?: ((answer: T) => void) | undefined;
}

/** Waits for a check to end, however it ends. */
export function awaitCheck(
  client: TurnoutClient,
  { pair, id }: { readonly pair: string; readonly id: string },
  signal: AbortSignal,
  timeoutMs = CHECK_TIMEOUT_MS,
  { onAnswer, ...steady }: Watching<CheckAnswer> = {},
): Promise<CheckAnswer> {
  const read = steadyReader(steady);
  return waitUntil(
    async () => {
      const check = await read(() => client.check(pair, id, { signal }));
      if (check) onAnswer?.(check);
      return check?.outcome === 'running' ? undefined : check;
    },
    {
      timeoutMs,
      intervalMs: CHECK_POLL_MS,
      signal,
      onTimeout: () => fail('check_inconclusive', { pair, check: id, waited_ms: timeoutMs }),
    },
  );
}

/**
 * Waits for a switchover to end, however it ends. The outcome is known a moment before the pair has
 * moved on; whoever was told "done" may ask for the next thing at once, so that moment is waited for.
 */
export function awaitSwitchover(
  client: TurnoutClient,
  { pair, id }: { readonly pair: string; readonly id: string },
  signal: AbortSignal,
  timeoutMs = SWITCHOVER_TIMEOUT_MS,
  { onAnswer, ...steady }: Watching<SwitchoverAnswer> = {},
): Promise<SwitchoverAnswer> {
  const read = steadyReader(steady);
  return waitUntil(
    () =>
      read(async () => {
        const answer = await client.switchover(pair, id, { signal });
        onAnswer?.(answer);
        if (answer.outcome === 'running') return undefined;
        const { pairs } = await client.pairs({ signal });
        const phase = pairs.find((each) => each.pair === pair)?.phase;
        const settling = answer.outcome !== 'needs_operator' && phase === 'switching';
        return settling ? undefined : client.switchover(pair, id, { signal });
      }),
    {
      timeoutMs,
      intervalMs: SWITCHOVER_POLL_MS,
      signal,
      onTimeout: () => fail('operator_needed', { pair, switchover: id, waited_ms: timeoutMs }),
    },
  );
}

const CHECK_EXITS = { running: 0, equal: 0, different: 7, could_not_verify: 3 } as const;

export function checkExit({ outcome }: CheckAnswer): number {
  return CHECK_EXITS[outcome];
}

/** An undone switch exits with the code of its reason: a closed gate is not a time-out. */
export function switchoverExit({ outcome, reason }: SwitchoverAnswer): number {
  if (outcome === 'needs_operator') return 9;
  if (outcome !== 'undone') return 0;
  const code = /TRN\d{4}/.exec(reason ?? '')?.[0];
  const name = code === undefined ? null : errorNamed(code);
  return name === null ? 6 : ERRORS[name].exit;
}

const CANCEL_EXITS = { undone: 0, committed: 5, running: 5, needs_operator: 9 } as const;

/** To cancel is to want it undone: anything else is not what was asked for. */
export function cancelExit({ outcome }: SwitchoverAnswer): number {
  return CANCEL_EXITS[outcome];
}
