import { LSN_ZERO, type Lsn } from '@turnout/core/lsn';

/** So many requests for an answer, one right after the other, are not a question of liveness. */
const REQUESTS = 3;
/** Longest pause between two of them: they follow each other by one round trip. */
const PAUSE_MS_MAX = 1_000;
/** A live server asks after half of its timeout in silence, never sooner than this share of it. */
const PAUSE_PER_TIMEOUT = 4;

/**
 * Recognises a walsender that shuts down (`WalSndDone`): it has sent everything and ends only when
 * the reader confirms exactly that position as flushed. Until then it asks again after each answer,
 * with the same position. A reader whose target has not made that position durable can never answer
 * with it, so it has to let go of the connection instead.
 */
export class FarewellDetector {
  readonly #pauseMsMax: number;
  #walEnd: Lsn = LSN_ZERO;
  #requests = 0;
  #atMs = 0;

  /** @param senderTimeoutMs the server's `wal_sender_timeout`, 0 for none */
  constructor(senderTimeoutMs: number) {
    const share = senderTimeoutMs / PAUSE_PER_TIMEOUT;
    this.#pauseMsMax = share > 0 ? Math.min(PAUSE_MS_MAX, share) : PAUSE_MS_MAX;
  }

  /** A keepalive that asks for an answer; true when the server is going. */
  asked(walEnd: Lsn, nowMs: number): boolean {
    const follows = walEnd === this.#walEnd && nowMs - this.#atMs < this.#pauseMsMax;
    this.#requests = follows ? this.#requests + 1 : 1;
    this.#walEnd = walEnd;
    this.#atMs = nowMs;
    return this.#requests >= REQUESTS;
  }

  /** Anything else arrived: the server is still at work. */
  reset(): void {
    this.#requests = 0;
  }
}
