import type { ErrorCode } from '@turnout/contracts/errors';

/** `critical` keeps a pair from starting; a warning is told and left to the operator. */
export interface Finding {
  readonly id: string;
  readonly severity: 'critical' | 'warning' | 'ok';
  readonly code: ErrorCode | null;
  readonly observed: string;
  readonly remedy: string | null;
}
