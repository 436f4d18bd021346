import type { CheckAnswer, SwitchoverAnswer } from '@turnout/api-client/answers';
import { ERRORS, errorNamed } from '@turnout/contracts/errors';

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
