import type { Side } from '@turnout/core/sides';

/** One thing that is wrong: where, with what, and what to do about it. */
export interface Problem {
  /** Null for what is said of the pair itself. */
  readonly side: Side | null;
  /** As it is to be typed: a table, a role, a sequence; null for the server. */
  readonly object: string | null;
  readonly what: string;
  /** SQL for that side, or a sentence; null says no more than the catalogue does. */
  readonly remedy: string | null;
}

/** `critical` keeps a pair from starting; a warning is told and left to the operator. */
export interface Finding {
  readonly id: string;
  readonly severity: 'critical' | 'warning' | 'ok';
  readonly code: string | null;
  readonly observed: string;
  readonly remedy: string | null;
  readonly problems: readonly Problem[];
}
