import { isCancelled, pause } from '@turnout/core/waiting';
import type { CloudEvent } from '@turnout/contracts/events';
import type { Pool } from '@turnout/postgres/pool';
import { handle, type BusLogger, type EventHandler } from '../bus.js';
import * as sql from './sql/events.js';

const BATCH_MAX = 100;
/** A notification may be lost; this bounds how long that delays an event. */
const POLL_MS = 1_000;
/** A member whose handler hangs loses its turn, so that another may go on. */
const HANDLER_MS_MAX = 30_000;

/** One member of a group on the postgres bus. */
export class GroupReader {
  readonly #pool: Pool;
  readonly #topic: string;
  readonly #group: string;
  readonly #handler: EventHandler;
  readonly #logger: BusLogger;
  readonly #closing = new AbortController();
  #sleep = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  /** News that came while a batch was read must cause one more look. */
  #woken = false;

  constructor(pool: Pool, topic: string, group: string, handler: EventHandler, logger: BusLogger) {
    this.#pool = pool;
    this.#topic = topic;
    this.#group = group;
    this.#handler = handler;
    this.#logger = logger;
  }

  /** Rejects when the store cannot be reached now; the reader goes on trying. */
  start(): Promise<void> {
    const cursor = this.#insertCursor();
    this.#loop = cursor.catch(() => undefined).then(() => this.#follow());
    return cursor;
  }

  wake(): void {
    this.#woken = true;
    this.#sleep.abort();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#sleep.abort();
    await this.#loop;
  }

  async #insertCursor(): Promise<void> {
    await this.#pool.withClient((session) =>
      session.query(sql.insertCursor(this.#topic, this.#group)),
    );
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      this.#woken = false;
      this.#sleep = new AbortController();
      let more = false;
      try {
        more = await this.#readBatch();
      } catch (thrown) {
        this.#logger.warn({ err: thrown, topic: this.#topic }, 'bus could not be read');
      }
      if (more || this.#woken || signal.aborted) continue;
      await pause(POLL_MS, this.#sleep.signal).catch((thrown: unknown) => {
        if (!isCancelled(thrown)) throw thrown;
      });
    }
  }

  /** The cursor moves in the transaction that holds it: an event is repeated rather than lost. */
  #readBatch(): Promise<boolean> {
    const settings = { idle_in_transaction_session_timeout: String(HANDLER_MS_MAX) };
    return this.#pool.transaction(
      async (session) => {
        const cursor = await session.query<{ position: string }>(
          sql.lockCursor(this.#topic, this.#group),
        );
        const from = cursor.rows[0]?.position;
        if (from === undefined) return false;
        const { rows } = await session.query<{ position: string; event: string }>(
          sql.readEvents(this.#topic, from, BATCH_MAX),
        );
        for (const row of rows) {
          if (this.#closing.signal.aborted) return false;
          await handle(this.#handler, JSON.parse(row.event) as CloudEvent, this.#logger);
        }
        const last = rows.at(-1);
        if (last) await session.query(sql.moveCursor(this.#topic, this.#group, last.position));
        return rows.length === BATCH_MAX;
      },
      { settings },
    );
  }
}
