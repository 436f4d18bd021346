/** `critical` keeps a pair from starting; a warning is told and left to the operator. */
export interface Finding {
  readonly id: string;
  readonly severity: 'critical' | 'warning' | 'ok';
  readonly code: string | null;
  readonly observed: string;
  readonly remedy: string | null;
}
