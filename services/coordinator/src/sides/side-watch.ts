import { isCancelled, pause } from '@turnout/core/waiting';
import { SIDES, type Side } from '@turnout/core/sides';
import type { PairContext } from '../context.js';
import { withSideSessions } from '../pairs/side-sessions.js';
import { readSideRow, type SideRow } from '../switchover/side-row.js';

const INTERVAL_MS = 1_000;
/** A reading older than this says nothing any more: the writable answer becomes 503. */
const STALE_MS = 5_000;

type Rows = Readonly<Record<Side, SideRow>>;

/** What to do about what the sides say of themselves. Repeated with every reading. */
export interface WatchActions {
  onBothOpen(rows: Rows): Promise<void>;
  onOneOpen(side: Side, epoch: bigint): Promise<void>;
}

/**
 * Reads both sides for ever: what is writable is answered from here, a side that is open and should
 * not be is found here, and routes are made to agree with the sides.
 */
export class SideWatch {
  readonly #context: PairContext;
  #rows: Rows | null = null;
  #readMs = -Infinity;
  #lastProgressMs: number;

  constructor(context: PairContext) {
    this.#context = context;
    this.#lastProgressMs = context.clock.monotonicMs();
  }

  /** Whether writes go to `side`, by its own word. Unknown is no. */
  async isWritable(side: Side): Promise<boolean> {
    const { clock } = this.#context;
    if (clock.monotonicMs() - this.#readMs > INTERVAL_MS) await this.look().catch(() => undefined);
    const fresh = clock.monotonicMs() - this.#readMs <= STALE_MS;
    return fresh && this.#rows?.[side].state === 'open';
  }

  /** Milliseconds since the loop last went round, whatever it found. */
  idleMs(): number {
    return this.#context.clock.monotonicMs() - this.#lastProgressMs;
  }

  async look(): Promise<Rows> {
    const rows = await withSideSessions(this.#context.pair, async (control) => ({
      blue: await readSideRow(control.blue),
      green: await readSideRow(control.green),
    }));
    this.#rows = rows;
    this.#readMs = this.#context.clock.monotonicMs();
    const { metrics, pair } = this.#context;
    for (const side of SIDES) {
      metrics.set('writable', { pair: pair.name, side }, rows[side].state === 'open' ? 1 : 0);
    }
    return rows;
  }

  async run(signal: AbortSignal, { onBothOpen, onOneOpen }: WatchActions): Promise<void> {
    const { logger, pair, store } = this.#context;
    while (!signal.aborted) {
      this.#lastProgressMs = this.#context.clock.monotonicMs();
      try {
        const row = await store.pairs.get(pair.name);
        if (row && INSTALLED_PHASES.has(row.phase)) {
          const rows = await this.look();
          const open = SIDES.filter((side) => rows[side].state === 'open');
          if (open.length === 2) await onBothOpen(rows);
          if (open.length === 1) await onOneOpen(open[0]!, rows[open[0]!].fenceEpoch);
        }
      } catch (thrown) {
        logger.warn({ pair: pair.name, err: thrown }, 'sides could not be read');
      }
      await pause(INTERVAL_MS, signal).catch((thrown: unknown) => {
        if (!isCancelled(thrown)) throw thrown;
      });
    }
  }
}

const INSTALLED_PHASES = new Set(['catching_up', 'verifying', 'ready', 'switching', 'on_green']);
