export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly random?: () => number;
}

/** Exponential with full jitter: many waiters that failed together do not come back together. */
export function backoffMs(attempt: number, { firstMs, maxMs, random }: BackoffLimits): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling * (0.5 + 0.5 * (random ?? Math.random)()));
}
