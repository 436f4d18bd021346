import { backoffMs } from '@turnout/core/backoff';
import { pause } from '@turnout/core/waiting';
import { openSession, type Session, type SessionOptions } from '@turnout/postgres/session';

const RECONNECT = { firstMs: 100, maxMs: 5_000 };
const LISTEN = /* sql */ `listen turnout_bus`;

/** Keeps one LISTEN session open and calls `wake` with each topic named, and with null after a gap. */
export class WakeUp {
  readonly #options: SessionOptions;
  readonly #wake: (topic: string | null) => void;
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #session: Session | null = null;

  constructor(options: SessionOptions, wake: (topic: string | null) => void) {
    this.#options = options;
    this.#wake = wake;
    this.#loop = this.#follow();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#session?.end().catch(() => undefined);
    await this.#loop;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await this.#listen(signal);
        attempt = 0;
      } catch {
        // The poll goes on meanwhile; there is nobody to tell.
      }
      await pause(backoffMs(attempt, RECONNECT), signal).catch(() => undefined);
    }
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const session = await openSession(this.#options);
    this.#session = session;
    const ended = new Promise<void>((resolve) => session.once('end', () => resolve()));
    try {
      session.on('notification', ({ payload }) => this.#wake(payload ?? null));
      await session.query(LISTEN);
      this.#wake(null);
      if (!signal.aborted) await ended;
    } finally {
      await session.end().catch(() => undefined);
    }
  }
}
