import type { Clock } from '@turnout/core/clock';
import type { Health } from './service.js';

/**
 * Ill health of something that is tried again and again: nobody reports that it works again, so a
 * trouble counts until it has not come back for `keepMs`.
 */
export class RecentTrouble {
  readonly #clock: Clock;
  readonly #keepMs: number;
  #last: { readonly reason: string; readonly atMs: number } | null = null;

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  note(reason: string): void {
    this.#last = { reason, atMs: this.#clock.monotonicMs() };
  }

  health(): Health {
    const last = this.#last;
    const over = last === null || this.#clock.monotonicMs() - last.atMs > this.#keepMs;
    return over ? { ok: true, reason: null } : { ok: false, reason: last.reason };
  }
}
