import { pause } from '@turnout/core/waiting';
import type { ShopSize } from '../shop/shop.js';
import type { Connection } from './connection.js';
import { LedgerFile } from './ledger-file.js';
import { seededRandom } from './random.js';
import { record } from './sql/proof.js';
import { Planner, send } from './transactions.js';

export interface WriterOptions {
  readonly writer: number;
  readonly writers: number;
  readonly perSecond: number;
  readonly ledgerFile: string;
  readonly size: ShopSize;
  readonly connection: Connection;
}

export interface WriterCounts {
  readonly attempted: number;
  readonly acknowledged: number;
  readonly errors: number;
}

/** Sends one transaction after the other at an even pace until it is told to stop. */
export class Writer {
  readonly #options: WriterOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #attempted = 0;
  #acknowledged = 0;
  #errors = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#done = this.#run();
    this.#done.catch(() => undefined);
  }

  get counts(): WriterCounts {
    return { attempted: this.#attempted, acknowledged: this.#acknowledged, errors: this.#errors };
  }

  /** Resolves when the transaction under way has ended and the ledger is on disk. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { writer, writers, size, perSecond } = this.#options;
    const ledger = new LedgerFile(this.#options.ledgerFile, writer);
    const planner = new Planner(writer, writers, size, seededRandom(writer));
    const periodMs = 1_000 / perSecond;
    // Spread over the period, or all writers would send at the same moment.
    let dueMs = performance.now() + (periodMs * writer) / writers;
    try {
      while (!this.#stopping.signal.aborted) {
        const earlyMs = dueMs - performance.now();
        if (earlyMs > 1) await pause(earlyMs, this.#stopping.signal).catch(() => undefined);
        if (this.#stopping.signal.aborted) break;
        await this.#write(ledger, planner);
        // What a stall kept back is not caught up in a burst.
        dueMs = Math.max(dueMs + periodMs, performance.now() - periodMs);
      }
    } finally {
      ledger.close();
    }
  }

  async #write(ledger: LedgerFile, planner: Planner): Promise<void> {
    const { writer, connection } = this.#options;
    const seq = (this.#attempted += 1);
    const plan = planner.next();
    ledger.attempt(seq);
    try {
      const answers = await connection.transaction(async (client) => {
        await client.query(record(writer, seq, plan.what));
        return send(client, plan);
      });
      ledger.acknowledge(seq);
      this.#acknowledged += 1;
      plan.settle(answers);
    } catch (thrown) {
      this.#errors += 1;
      const unknown = connection.isOutcomeUnknown(thrown);
      ledger.error(seq, unknown ? 'unknown' : 'failed', codeOf(thrown));
      // A server that is away answers at once: no need to ask it a thousand times a second.
      await pause(20, this.#stopping.signal).catch(() => undefined);
    }
  }
}

function codeOf(thrown: unknown): string {
  const { code, message } = thrown as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message).slice(0, 80);
}
