import { isAppError } from '@turnout/core/app-error';
import type { WaitingNote as Waiting } from '@turnout/store/notes';
import type { PairContext } from '../context.js';
import type { Wait } from '../lifecycle/wait.js';
import { reasonOf } from '@turnout/postgres/database-error';

/** Keeps since when the same thing is waited for, and writes it where every coordinator reads it. */
export class WaitingNote {
  readonly #context: Pick<PairContext, 'store' | 'pair' | 'clock' | 'logger'>;
  #now: Waiting | null | undefined;

  constructor(context: Pick<PairContext, 'store' | 'pair' | 'clock' | 'logger'>) {
    this.#context = context;
  }

  async set(wait: Wait | null): Promise<void> {
    if (this.#now !== undefined && (this.#now?.for ?? null) === (wait?.for ?? null)) return;
    const { store, pair, clock, logger } = this.#context;
    const since = new Date(clock.nowMs()).toISOString();
    const now = wait && {
      for: wait.for,
      since,
      holder: wait.holder ?? null,
      remedy: wait.remedy ?? null,
    };
    try {
      await store.notes.setWaiting(pair.name, now);
      this.#now = now;
    } catch (thrown) {
      logger.warn({ pair: pair.name, reason: reasonOf(thrown) }, 'what is waited for is not noted');
    }
  }
}

/** What ended a round, as what the pair waits for. */
export function waitAfter(thrown: unknown): Wait {
  if (!isAppError(thrown)) return { for: `looking again after ${reasonOf(thrown)}` };
  const { code, entry, facts } = thrown;
  const named = Object.entries(facts).map(([name, value]) => `${name} ${String(value)}`);
  const words = named.length > 0 ? ` (${named.join(', ')})` : '';
  return { for: `${code} ${entry.title}${words}`, remedy: entry.remedy };
}
