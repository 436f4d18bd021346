import type { ServerResponse } from 'node:http';
import { fail } from '@turnout/contracts/errors';
import type { PairRow } from '@turnout/store/pairs';
import type { PairContext } from '../context.js';
import type { SideWatch } from '../sides/side-watch.js';
import type { Dispatcher } from '../switchover/dispatcher.js';

/** Everything the coordinator holds for one pair. */
export interface Desk {
  readonly context: PairContext;
  readonly dispatcher: Dispatcher;
  readonly sides: SideWatch;
  /** Event streams that are open, to be ended when the service drains. */
  readonly streams: Set<ServerResponse>;
  row(): Promise<PairRow>;
  /** Calls back when the journal of the pair grew; returns how to stop. */
  onJournal(listener: () => void): () => void;
  notifyJournal(): void;
  /** Runs long work of the pair in the background, ended by the service. */
  background(name: string, work: (signal: AbortSignal) => Promise<unknown>): void;
}

export interface DeskParts {
  readonly context: PairContext;
  readonly dispatcher: Dispatcher;
  readonly sides: SideWatch;
  readonly signal: AbortSignal;
}

export function openDesk({ context, dispatcher, sides, signal }: DeskParts): Desk {
  const listeners = new Set<() => void>();
  return {
    context,
    dispatcher,
    sides,
    streams: new Set(),
    row: async () => {
      const row = await context.store.pairs.get(context.pair.name);
      if (!row) throw fail('pair_unknown', { pair: context.pair.name });
      return row;
    },
    onJournal: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    notifyJournal: () => {
      for (const listener of listeners) listener();
    },
    background: (name, work) => {
      work(signal).catch((thrown: unknown) => {
        context.logger.error({ pair: context.pair.name, work: name, err: thrown }, 'work failed');
      });
    },
  };
}

/** The desks by pair name. @throws TRN5001 for a pair that is not configured */
export class Desks {
  readonly #desks: ReadonlyMap<string, Desk>;

  constructor(desks: readonly Desk[]) {
    this.#desks = new Map(desks.map((desk) => [desk.context.pair.name, desk]));
  }

  all(): Desk[] {
    return [...this.#desks.values()];
  }

  of(pair: string): Desk {
    const desk = this.#desks.get(pair);
    if (!desk) throw fail('pair_unknown', { pair });
    return desk;
  }
}
