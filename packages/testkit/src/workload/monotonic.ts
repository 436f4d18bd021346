/**
 * Milliseconds of the clock that every process of this machine shares and that only grows, so that
 * times written by a writer process compare with times taken by whoever watches it.
 */
export function sharedMonotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}
