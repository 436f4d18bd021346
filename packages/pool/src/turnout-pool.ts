import { EventEmitter } from 'node:events';
import { callbackify } from 'node:util';
import { backoffMs } from '@turnout/core/backoff';
import type { Side } from '@turnout/core/sides';
import { pause } from '@turnout/core/waiting';
import type pg from 'pg';
import { HoldDeadline } from './hold-deadline.js';
import { isReadOnlyError, isRefusal } from './refusal.js';
import { isAtomic } from './rerun-safety.js';
import { WritableSideTracker } from './writable-side-tracker.js';
import type { RouteWatcher } from './route-watcher.js';
import { SideProbe } from './side-probe.js';
import { SidePools } from './side-pools.js';
import { runTransaction, type TransactionOptions } from './transaction.js';

export interface TurnoutPoolOptions {
  readonly pair: string;
  readonly configs: Readonly<Record<Side, pg.PoolConfig>>;
  readonly holdMaxMs: number;
  readonly pollMs: number;
  readonly recheckMs: number;
  readonly watch: ((onRouteChanged: () => void) => RouteWatcher) | null;
}

/** A side may say `open` and still refuse (an announced window): asking again is spread out. */
const RERUN_LIMITS = { firstMs: 1, maxMs: 250 };

type Callback = (error: Error, result: unknown) => void;
type ConnectCallback = Parameters<pg.Pool['connect']>[0];
type Query = string | (pg.QueryConfig & { readonly submit?: unknown });

interface Checkout {
  readonly side: Side;
  readonly client: pg.PoolClient;
}

/** The API of `pg.Pool`; made by `createPool`. Emits `moved` with the side whenever that changes. */
export class TurnoutPool extends EventEmitter implements pg.Pool {
  readonly options: pg.PoolOptions;
  readonly query: pg.Pool['query'];
  readonly connect: pg.Pool['connect'];
  readonly end: pg.Pool['end'];
  readonly #pair: string;
  readonly #holdMaxMs: number;
  readonly #pools: SidePools;
  readonly #probes: Readonly<Record<Side, SideProbe>>;
  readonly #watcher: RouteWatcher | null;
  readonly #tracker: WritableSideTracker;
  #ending: Promise<void> | null = null;
  #ended = false;

  constructor({ pair, configs, holdMaxMs, pollMs, recheckMs, watch }: TurnoutPoolOptions) {
    super();
    this.#pair = pair;
    this.#holdMaxMs = holdMaxMs;
    this.#pools = new SidePools(configs, (event, ...args) => this.#forward(event, args));
    this.options = this.#pools.of('blue').options;
    this.#probes = {
      blue: new SideProbe(configs.blue, pair),
      green: new SideProbe(configs.green, pair),
    };
    this.#tracker = new WritableSideTracker({
      probe: (side) => this.#probes[side].probe(),
      hint: async () => {
        await this.#watcher?.started;
        return this.#watcher?.hint ?? null;
      },
      pollMs,
      recheckMs,
      onMoved: (side, before) => {
        if (before !== null) this.#pools.retireIdle(side);
        this.emit('moved', side);
      },
    });
    this.#watcher = watch?.(() => void this.#tracker.refresh()) ?? null;
    this.query = ((...args: unknown[]) => this.#queryAs(args)) as pg.Pool['query'];
    this.connect = ((callback?: ConnectCallback) =>
      this.#connectAs(callback)) as typeof this.connect;
    this.end = ((callback?: () => void) => this.#endAs(callback)) as typeof this.end;
  }

  /** The side in use; null while held and before the first use. */
  get side(): Side | null {
    return this.#tracker.side;
  }

  get totalCount(): number {
    return this.#pools.total('totalCount');
  }

  get idleCount(): number {
    return this.#pools.total('idleCount');
  }

  /** Calls that wait for a connection, or for a side to open. */
  get waitingCount(): number {
    return this.#pools.total('waitingCount') + this.#tracker.waiters;
  }

  get expiredCount(): number {
    return this.#pools.total('expiredCount');
  }

  get ending(): boolean {
    return this.#ending !== null;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Runs `fn` in a transaction. When the guard refuses it, nothing was committed, and it runs again
   * on the side that opens: `fn` must not do anything outside the transaction that may not happen
   * twice, and must not commit by itself.
   * @throws OutcomeUnknownError, TransactionRolledBackError, HoldTimeoutError, or what `fn` threw
   */
  async transaction<T>(
    fn: (client: pg.PoolClient) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    return this.#throughSwitch(true, ({ client }) => runTransaction(client, fn, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #forward(event: string, args: unknown[]): void {
    // The coordinator terminates what is left on the closed side: without a listener the death of
    // an idle connection is no reason to end the process, as it would be with a plain emitter.
    if (event === 'error' && this.listenerCount('error') === 0) return;
    this.emit(event, ...args);
  }

  #deadline(): HoldDeadline {
    return new HoldDeadline(this.#pair, this.#holdMaxMs);
  }

  /** A connection to the side in use at the moment it is handed out. */
  async #acquire(deadline: HoldDeadline): Promise<Checkout> {
    for (;;) {
      const side = await this.#tracker.writable(deadline);
      let client: pg.PoolClient;
      try {
        client = await this.#pools.of(side).connect();
      } catch (thrown) {
        // An old side may be gone altogether; nothing was sent yet, so another look is free.
        await this.#tracker.refresh();
        if (this.#tracker.side === side || this.ending) throw thrown;
        continue;
      }
      if (this.#tracker.side === side) return { side, client };
      client.release();
    }
  }

  /** Runs `work` on the side in use, and again on the next one when the guard refused it. */
  async #throughSwitch<T>(rerun: boolean, work: (checkout: Checkout) => Promise<T>): Promise<T> {
    const deadline = this.#deadline();
    for (let refusals = 0; ; refusals++) {
      const checkout = await this.#acquire(deadline);
      try {
        return await work(checkout);
      } catch (thrown) {
        if (!isRefusal(thrown)) {
          if (isReadOnlyError(thrown)) void this.#tracker.refresh();
          throw thrown;
        }
        this.#tracker.refused(checkout.side);
        if (!rerun) throw thrown;
        deadline.reason = thrown;
        if (deadline.remainingMs() === 0) throw deadline.exhausted();
        if (refusals > 0) await pause(backoffMs(refusals, RERUN_LIMITS));
      }
    }
  }

  #queryAs(args: unknown[]): unknown {
    const last = args.at(-1);
    if (typeof last !== 'function') return this.#query(args);
    callbackify(() => this.#query(args.slice(0, -1)))(last as Callback);
    return undefined;
  }

  async #query(args: unknown[]): Promise<unknown> {
    const query = args[0] as Query;
    // A cursor or stream may have handed out rows already; it cannot be run again.
    const text = typeof query === 'string' ? query : query.submit ? null : query.text;
    return this.#throughSwitch(text !== null && isAtomic(text), async ({ client }) => {
      // As in `pg-pool`: a connection that dies under a query also emits the error.
      const onError = (): void => undefined;
      client.on('error', onError);
      try {
        const result: unknown = await Reflect.apply(client.query, client, args);
        client.release();
        return result;
      } catch (thrown) {
        // A refused atomic statement leaves the session clean; after any other error it may hold
        // an open transaction or an answer still to come.
        client.release(!(text !== null && isAtomic(text) && isRefusal(thrown)));
        throw thrown;
      } finally {
        client.off('error', onError);
      }
    });
  }

  #connectAs(callback?: ConnectCallback): Promise<pg.PoolClient> | undefined {
    const acquire = async (): Promise<pg.PoolClient> =>
      (await this.#acquire(this.#deadline())).client;
    if (callback === undefined) return acquire();
    callbackify(acquire)((error: Error | null, client?: pg.PoolClient) =>
      callback(error ?? undefined, client, (release) => client?.release(release)),
    );
    return undefined;
  }

  #endAs(callback?: () => void): Promise<void> | undefined {
    const ending = (this.#ending ??= this.#end());
    if (callback === undefined) return ending;
    callbackify(() => ending)(callback);
    return undefined;
  }

  async #end(): Promise<void> {
    this.#tracker.close();
    this.#watcher?.close();
    await Promise.all([this.#pools.end(), this.#probes.blue.close(), this.#probes.green.close()]);
    this.#ended = true;
  }
}
