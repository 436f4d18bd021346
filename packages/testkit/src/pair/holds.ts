import { deferred, within, type Deferred } from '@turnout/core/waiting';

const REACH_MS_MAX = 30_000;

interface Hold {
  readonly reached: Deferred<void>;
  readonly released: Deferred<void>;
}

/** One named point at which work in this process stands until the test lets it go. */
export interface HeldPoint {
  /** Resolves when the work stands there; rejects when it does not come within half a minute. */
  readonly reached: Promise<void>;
  /** Lets it go on, or fails it there; what has not come yet is not held any more. */
  release(failure?: Error): void;
}

/**
 * Failpoints for services in this process: the test registers where to hold, acts, and looks at the
 * world while the work stands between two statements. `failpoint` goes into the service's context.
 */
export class Holds {
  readonly #holds = new Map<string, Hold>();
  readonly #seen: string[] = [];

  readonly failpoint = async (name: string): Promise<void> => {
    this.#seen.push(name);
    const hold = this.#holds.get(name);
    if (hold === undefined) return;
    hold.reached.resolve();
    await hold.released.promise;
  };

  /** Every point that was passed or reached, in order. */
  get seen(): readonly string[] {
    return this.#seen;
  }

  /** Holds the work when it next comes to `name`. */
  at(name: string): HeldPoint {
    const hold = { reached: deferred(), released: deferred() };
    this.#holds.set(name, hold);
    const late = (): Error => new Error(`${name} was not reached, but ${this.#seen.join(', ')}`);
    const reached = within(hold.reached.promise, REACH_MS_MAX, late);
    reached.catch(() => undefined);
    return {
      reached,
      release: (failure) => {
        if (this.#holds.get(name) === hold) this.#holds.delete(name);
        if (failure) hold.released.reject(failure);
        else hold.released.resolve();
        // A point that was never reached has nobody left to wait for it.
        hold.reached.resolve();
      },
    };
  }
}
