import type { ServerResponse } from 'node:http';
import { fail } from '@turnout/contracts/errors';
import { SIDES, type Side } from '@turnout/core/sides';
import { isCancelled, pause } from '@turnout/core/waiting';
import { CONDITIONS, PHASES } from '@turnout/machine/phases';
import type { PairRow } from '@turnout/store/pairs';
import type { PairContext } from './context.js';
import { GateKeeper } from './gates/gate-keeper.js';
import { PairLoop } from './loop/pair-loop.js';
import { SideProbe } from './side/side-probe.js';

/** What a side said is believed for this long; afterwards it is unknown, and unknown is not writable. */
const STALE_MS = 5_000;
const METRICS_INTERVAL_MS = 2_000;
const WATCH_INTERVAL_MS = 500;

/** Everything this process holds for one pair: it looks at the sides, goes round, and answers from both. */
export class PairRuntime {
  readonly context: PairContext;
  readonly probes: Readonly<Record<Side, SideProbe>>;
  readonly gates: GateKeeper;
  readonly loop: PairLoop;
  /** Event streams that are open, to be ended when the service drains. */
  readonly streams = new Set<ServerResponse>();
  readonly #listeners = new Set<() => void>();

  constructor(context: PairContext) {
    const { pair, clock } = context;
    this.context = context;
    this.probes = {
      blue: new SideProbe(pair, 'blue', clock),
      green: new SideProbe(pair, 'green', clock),
    };
    this.gates = new GateKeeper(context);
    this.loop = new PairLoop({ context, probes: this.probes, gates: this.gates });
  }

  /** @throws TRN5001 */
  async row(): Promise<PairRow> {
    const { store, pair } = this.context;
    const row = await store.pairs.get(pair.name);
    if (!row) throw fail('pair_unknown', { pair: pair.name });
    return row;
  }

  /** Calls back when the journal of the pair grew; returns how to stop. */
  onJournal(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notifyJournal(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Age of what a side said last; null before its first answer. */
  ageMs(side: Side): number | null {
    const { answered } = this.probes[side];
    return answered ? this.context.clock.monotonicMs() - answered.readAtMs : null;
  }

  /** Whether writes go to `side`, by its own word, not older than a stated time; null is unknown. */
  writable(side: Side): boolean | null {
    const { answered } = this.probes[side];
    const age = this.ageMs(side);
    if (!answered || age === null || age > STALE_MS) return null;
    return answered.row === null ? null : answered.row.state === 'open' && !answered.inRecovery;
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([
        ...SIDES.map((side) => this.probes[side].run(signal)),
        this.loop.run(signal),
        this.#every(WATCH_INTERVAL_MS, signal, () => this.loop.switching.watch()),
        this.#every(METRICS_INTERVAL_MS, signal, () => this.#publishMetrics()),
      ]);
    } finally {
      this.gates.close();
    }
  }

  async #every(ms: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await work().catch((thrown: unknown) => {
        if (!isCancelled(thrown)) {
          this.context.logger.debug({ pair: this.context.pair.name, err: thrown }, 'not this time');
        }
      });
      await pause(ms, signal).catch(() => undefined);
    }
  }

  /** State sets are 1 or 0 over the closed set; a gauge of unknown value is absent. */
  async #publishMetrics(): Promise<void> {
    const { store, pair, metrics } = this.context;
    for (const side of SIDES) {
      const writable = this.writable(side);
      const value = writable === null ? null : Number(writable);
      metrics.set('writable', { pair: pair.name, side }, value);
    }
    const row = await store.pairs.get(pair.name).catch(() => null);
    for (const phase of PHASES) {
      const value = row === null ? null : Number(row.phase === phase);
      metrics.set('pair_phase', { pair: pair.name, phase }, value);
    }
    for (const condition of CONDITIONS) {
      const set = row?.conditions.some((each) => each.condition === condition);
      metrics.set(
        'pair_condition',
        { pair: pair.name, condition },
        row === null ? null : Number(set),
      );
    }
  }

  /** Ends streams at once, and whatever switches after it came to its end. */
  async drain(): Promise<void> {
    for (const stream of this.streams) stream.end();
    await this.loop.switching.drain();
  }
}

/** The runtimes by pair name. */
export class Runtimes {
  readonly #runtimes: ReadonlyMap<string, PairRuntime>;

  constructor(runtimes: readonly PairRuntime[]) {
    this.#runtimes = new Map(runtimes.map((each) => [each.context.pair.name, each]));
  }

  all(): PairRuntime[] {
    return [...this.#runtimes.values()];
  }

  /** @throws TRN5001 for a pair that is not configured */
  of(pair: string): PairRuntime {
    const runtime = this.#runtimes.get(pair);
    if (!runtime) throw fail('pair_unknown', { pair });
    return runtime;
  }
}
