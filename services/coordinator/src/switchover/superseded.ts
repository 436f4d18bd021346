import { isError } from '@turnout/contracts/errors';

/**
 * Another coordinator acts for this pair now. What it finds is its to finish and to record: whoever
 * was superseded ends its sessions and says nothing.
 */
export function isSuperseded(thrown: unknown): boolean {
  return isError(thrown, 'superseded', 'lease_held', 'lease_lost');
}
