import { isAppError } from '@turnout/core/app-error';

const SUPERSEDED: ReadonlySet<string> = new Set(['TRN5015', 'TRN6002', 'TRN6007']);

/**
 * Another coordinator acts for this pair now. What it finds is its to finish and to record: whoever
 * was superseded ends its sessions and says nothing.
 */
export function isSuperseded(thrown: unknown): boolean {
  return isAppError(thrown) && SUPERSEDED.has(thrown.code);
}
