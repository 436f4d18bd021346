import { HoldTimeoutError } from './errors.js';

/** How long one call may be held in all. The time runs from the moment it is first held. */
export class HoldDeadline {
  readonly #pair: string;
  readonly #holdMaxMs: number;
  #deadlineMs: number | null = null;
  /** What the call was last refused with, for the error that says it gave up. */
  reason: unknown = undefined;

  constructor(pair: string, holdMaxMs: number) {
    this.#pair = pair;
    this.#holdMaxMs = holdMaxMs;
  }

  /** Milliseconds left; starts the time at the first call. */
  remainingMs(): number {
    const nowMs = performance.now();
    this.#deadlineMs ??= nowMs + this.#holdMaxMs;
    return Math.max(0, this.#deadlineMs - nowMs);
  }

  exhausted(observed?: unknown): HoldTimeoutError {
    return new HoldTimeoutError(this.#pair, this.#holdMaxMs, this.reason ?? observed);
  }
}
