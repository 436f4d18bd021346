import { backoffMs } from '@turnout/core/backoff';
import { pause } from '@turnout/core/waiting';
import { openSession, type Session, type SessionOptions } from '@turnout/postgres/session';

export const TOPICS = [
  'links',
  'checks',
  'journal',
  'tracking',
  'pairs',
  'switchovers',
  'requests',
] as const;
export type Topic = (typeof TOPICS)[number];

/** `detail` names what changed: a revision, `forward desired`, `chk_… requested`, `blue desired`. */
export type ListenHandler = (topic: Topic, pair: string, detail: string) => void;

const RECONNECT = { firstMs: 100, maxMs: 5_000 };
const LISTEN = /* sql */ `listen turnout_control`;

/**
 * One LISTEN connection for any number of handlers. It is opened by the first, reconnects by itself
 * and may lose news while it does: whoever listens also polls slowly.
 */
export class Listener {
  readonly #options: SessionOptions;
  readonly #handlers = new Set<ListenHandler>();
  #closing = new AbortController();
  #session: Session | null = null;
  #loop: Promise<void> | null = null;
  #starting: Promise<void> | null = null;
  #ending: Promise<void> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Resolves once news arrive; the answer unsubscribes. @throws TRN2001 when not reachable now */
  async add(handler: ListenHandler): Promise<() => Promise<void>> {
    this.#handlers.add(handler);
    try {
      await this.#start();
    } catch (thrown) {
      this.#handlers.delete(handler);
      throw thrown;
    }
    return async () => {
      this.#handlers.delete(handler);
      if (this.#handlers.size === 0) await this.close();
    };
  }

  close(): Promise<void> {
    this.#ending ??= this.#end().finally(() => {
      this.#ending = null;
    });
    return this.#ending;
  }

  async #end(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    this.#closing.abort();
    await this.#session?.end().catch(() => undefined);
    await this.#loop;
    this.#loop = null;
    this.#session = null;
    this.#closing = new AbortController();
  }

  async #start(): Promise<void> {
    // Whoever subscribes while the last one leaves needs a connection of their own.
    await this.#ending;
    if (this.#loop) return;
    this.#starting ??= this.#connect().then((session) => {
      this.#loop = this.#follow(session, this.#closing.signal);
    });
    try {
      await this.#starting;
    } finally {
      this.#starting = null;
    }
  }

  async #connect(): Promise<Session> {
    const session = await openSession(this.#options);
    session.on('notification', ({ payload }) => this.#deliver(payload ?? ''));
    await session.query(LISTEN);
    this.#session = session;
    return session;
  }

  #deliver(payload: string): void {
    const [topic, pair, detail] = JSON.parse(payload) as [Topic, string, string];
    for (const handler of this.#handlers) handler(topic, pair, detail);
  }

  async #follow(first: Session, signal: AbortSignal): Promise<void> {
    let session: Session | null = first;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      if (session) {
        attempt = 0;
        await ended(session);
        if (signal.aborted) return;
      }
      await pause(backoffMs(attempt, RECONNECT), signal).catch(() => undefined);
      if (signal.aborted) return;
      session = await this.#connect().catch(() => null);
      if (signal.aborted) await session?.end().catch(() => undefined);
    }
  }
}

function ended(session: Session): Promise<void> {
  return new Promise((resolve) => session.once('end', () => resolve()));
}
