import { deferred, type Deferred } from '@turnout/core/waiting';
import type { Lsn } from '@turnout/core/lsn';
import type { Change } from '@turnout/postgres/pgoutput/messages';
import type { MemoryMeter } from './memory-meter.js';

/** Changes of a large transaction on their way to the applier. Memory is given back as they are taken. */
export class ChangeChunks implements AsyncIterable<readonly Change[]> {
  readonly #meter: MemoryMeter;
  readonly #end: Deferred<Lsn> = deferred<Lsn>();
  #changes: Change[];
  #bytes: number;
  #closed = false;
  #failure: { error: unknown } | null = null;
  #waiter: Deferred<void> | null = null;

  constructor(meter: MemoryMeter, changes: Change[], bytes: number) {
    this.#meter = meter;
    this.#changes = changes;
    this.#bytes = bytes;
  }

  get committed(): Promise<Lsn> {
    return this.#end.promise;
  }

  push(change: Change, bytes: number): void {
    this.#changes.push(change);
    this.#bytes += bytes;
    this.#waiter?.resolve();
  }

  close(endLsn: Lsn): void {
    this.#closed = true;
    this.#end.resolve(endLsn);
    this.#waiter?.resolve();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#end.reject(error);
    this.#waiter?.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Change[]> {
    for (;;) {
      if (this.#changes.length > 0) {
        const [changes, bytes] = [this.#changes, this.#bytes];
        this.#changes = [];
        this.#bytes = 0;
        yield changes;
        this.#meter.release(bytes);
      } else if (this.#failure) {
        throw this.#failure.error;
      } else if (this.#closed) {
        return;
      } else {
        this.#waiter = deferred();
        await this.#waiter.promise;
        this.#waiter = null;
      }
    }
  }
}
