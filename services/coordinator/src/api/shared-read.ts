import type { PairRuntime } from '../runtime.js';

/**
 * One reading at a time for all who ask. Whoever asks while one is under way gets the next one, which
 * began after the question: an answer is never older than its question, and hundreds of questions at
 * a time are two readings. The control store has other work, a switch under way above all.
 */
export class SharedRead<T> {
  readonly #read: () => Promise<T>;
  #running: Promise<T> | null = null;
  #next: Promise<T> | null = null;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  fresh(): Promise<T> {
    if (this.#running === null) return this.#begin();
    const over = (): Promise<T> => this.#begin();
    this.#next ??= this.#running.then(over, over);
    return this.#next;
  }

  #begin(): Promise<T> {
    this.#next = null;
    const running = this.#read().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }
}

/** The same reading for every pair, shared by those who ask for the same pair. */
export function sharedByPair<T>(
  read: (runtime: PairRuntime) => Promise<T>,
): (runtime: PairRuntime) => Promise<T> {
  const reads = new WeakMap<PairRuntime, SharedRead<T>>();
  return (runtime) => {
    const shared = reads.get(runtime) ?? new SharedRead(() => read(runtime));
    reads.set(runtime, shared);
    return shared.fresh();
  };
}
