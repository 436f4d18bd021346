import type { CheckAnswer, SwitchoverAnswer } from '@turnout/api-client/answers';
import type { TurnoutClient } from '@turnout/api-client/turnout-client';
import { ERRORS, errorNamed, fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';

const CHECK_TIMEOUT_MS = 24 * 3_600_000;
const SWITCHOVER_TIMEOUT_MS = 15 * 60_000;

/** Waits for a check to end, however it ends. */
export function awaitCheck(
  client: TurnoutClient,
  { pair, id }: { readonly pair: string; readonly id: string },
  signal: AbortSignal,
  timeoutMs = CHECK_TIMEOUT_MS,
): Promise<CheckAnswer> {
  return waitUntil(
    async () => {
      const check = await client.check(pair, id, { signal });
      return check.outcome === 'running' ? undefined : check;
    },
    {
      timeoutMs,
      intervalMs: 200,
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
): Promise<SwitchoverAnswer> {
  return waitUntil(
    async () => {
      const { outcome } = await client.switchover(pair, id, { signal });
      if (outcome === 'running') return undefined;
      const { pairs } = await client.pairs({ signal });
      const phase = pairs.find((each) => each.pair === pair)?.phase;
      const settling = outcome !== 'needs_operator' && phase === 'switching';
      return settling ? undefined : client.switchover(pair, id, { signal });
    },
    {
      timeoutMs,
      intervalMs: 50,
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
