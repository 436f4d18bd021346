import { CancelledSignal, deferred, type Deferred } from '@turnout/core/waiting';
import type { StreamItem } from './source-transaction.js';

/**
 * Hands items from the socket's callback to the applier, in order. A failure is delivered after
 * everything that was received before it.
 */
export class ItemQueue {
  #items: StreamItem[] = [];
  #head = 0;
  #failure: { error: unknown } | null = null;
  #waiter: Deferred<void> | null = null;

  get empty(): boolean {
    return this.#head === this.#items.length;
  }

  push(item: StreamItem): void {
    const last = this.#items.at(-1);
    // Only the latest of several keepalives says anything; an idle night must not pile them up.
    if (item.type === 'idle' && !this.empty && last?.type === 'idle') this.#items.pop();
    this.#items.push(item);
    this.#wake();
  }

  /** Nothing follows; `shift` throws `error` once the items before it are taken. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  shift(): StreamItem | undefined {
    const item = this.#items[this.#head];
    if (item === undefined) {
      if (this.#failure) throw this.#failure.error;
      return undefined;
    }
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 4_096) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Resolves when an item or a failure is there, or after `timeoutMs` (null: no limit but `signal`). */
  async wait(timeoutMs: number | null, signal: AbortSignal): Promise<void> {
    if (!this.empty || this.#failure) return;
    if (signal.aborted) throw new CancelledSignal('next item of the stream');
    const waiter = (this.#waiter = deferred());
    const onAbort = (): void => waiter.reject(new CancelledSignal('next item of the stream'));
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = timeoutMs === null ? undefined : setTimeout(waiter.resolve, timeoutMs);
    try {
      await waiter.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      this.#waiter = null;
    }
  }

  #wake(): void {
    this.#waiter?.resolve();
  }
}
