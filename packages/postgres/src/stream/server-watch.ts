import { sqlState } from '../database-error.js';
import { openSession, type Session, type SessionOptions } from '../session.js';

/** 57P01: the server ends its sessions. 57P03: it takes no new ones, for it stops or starts. */
const GOING_STATES = new Set(['57P01', '57P02', '57P03']);

function isGoing(thrown: unknown): boolean {
  if (GOING_STATES.has(sqlState(thrown) ?? '')) return true;
  return thrown instanceof Error && thrown.cause !== undefined && isGoing(thrown.cause);
}

/**
 * An idle ordinary session beside a stream, by which the stream learns that the server shuts down.
 * The server ends ordinary sessions first and keeps a walsender until its reader has confirmed all
 * WAL there is; a reader that is far behind, or has stopped reading, is told nothing meanwhile.
 */
export class ServerWatch {
  readonly #options: SessionOptions;
  readonly #onGoing: () => void;
  #session: Session | null = null;
  #opening = false;
  #closed = false;

  constructor(options: SessionOptions, onGoing: () => void) {
    this.#options = options;
    this.#onGoing = onGoing;
  }

  /** Opens the session unless there is one. Best effort: the stream works without it. */
  ensure(): void {
    if (this.#session || this.#opening || this.#closed) return;
    this.#opening = true;
    openSession(this.#options)
      .then(
        (session) => this.#watch(session),
        (thrown: unknown) => this.#report(thrown),
      )
      .finally(() => (this.#opening = false));
  }

  close(): void {
    this.#closed = true;
    const session = this.#session;
    this.#session = null;
    void session?.end().catch(() => undefined);
  }

  #watch(session: Session): void {
    session.on('end', () => {
      if (this.#session === session) this.#session = null;
    });
    session.on('error', (thrown) => this.#report(thrown));
    this.#session = session;
    if (this.#closed) this.close();
  }

  #report(thrown: unknown): void {
    if (!this.#closed && isGoing(thrown)) this.#onGoing();
  }
}
