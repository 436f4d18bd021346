import { randomUUID } from 'node:crypto';
import { messageOf } from '@turnout/core/app-error';
import { isCancelled, pause } from '@turnout/core/waiting';
import {
  DIRECTIONS,
  SIDES,
  sourceOf,
  targetOf,
  type Direction,
  type Side,
} from '@turnout/core/sides';
import {
  LAG_MEASURED,
  LINK_PROGRESSED,
  makeEvent,
  type CloudEvent,
  type LagMeasured,
  type LinkProgressed,
} from '@turnout/contracts/events';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import type { ServiceContext } from '@turnout/service-kit/context';
import type { LinkRow } from '@turnout/store/links';
import { LinkLag } from './lag/link-lag.js';
import { showLag, showSlot } from './metrics.js';
import { SideSession } from './sides/side-session.js';

export const HEARTBEAT_MS = 1_000;
/** Retained log changes slowly and its query reads every slot. */
const SLOT_ROUNDS = 5;

/** Measures the links of one pair once a second. */
export class PairMonitor {
  readonly #context: ServiceContext;
  readonly #pair: string;
  readonly #sides: Readonly<Record<Side, SideSession>>;
  readonly #lags: Readonly<Record<Direction, LinkLag>>;
  /** What fails now, so that it is logged once and not every second. */
  readonly #failing = new Map<string, string>();
  #round = 0;
  #sequence = 0;

  constructor(context: ServiceContext, { name: pair, blue, green }: ResolvedPair) {
    this.#context = context;
    this.#pair = pair;
    this.#sides = {
      blue: new SideSession(pair, 'blue', blue),
      green: new SideSession(pair, 'green', green),
    };
    this.#lags = { forward: new LinkLag('forward'), reverse: new LinkLag('reverse') };
  }

  /** Until `signal` aborts; a round that fails is logged and the next one tried. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        const startedMs = performance.now();
        await this.#attempt('store', () => this.#measureAll());
        await pause(Math.max(50, HEARTBEAT_MS - (performance.now() - startedMs)), signal);
      }
    } catch (thrown) {
      if (!isCancelled(thrown)) throw thrown;
    } finally {
      await Promise.all(SIDES.map((side) => this.#sides[side].close()));
      for (const direction of DIRECTIONS) this.#forget(direction);
    }
  }

  /** An event of a link of this pair; anything else is ignored. */
  handle(event: CloudEvent): void {
    if (event.type !== LINK_PROGRESSED || event.subject !== this.#pair) return;
    const data = event.data as unknown as LinkProgressed;
    const lag = this.#lags[data.direction];
    lag?.progressed(event.sequence, data, this.#context.clock.monotonicMs());
  }

  async #measureAll(): Promise<void> {
    const { store } = this.#context;
    const links = (await store.links.list(this.#pair)).filter(
      ({ desired }) => desired !== 'stopped',
    );
    const running = links.filter(isRunning).map(({ direction }) => direction);
    const pair = links.length > 0 ? await store.pairs.get(this.#pair) : null;
    // What arrived is read before the next heartbeat is on its way.
    await Promise.all(running.map((direction) => this.#readIfSilent(direction)));
    await Promise.all(
      SIDES.filter(
        (side) =>
          side === pair?.writableSide || running.some((direction) => sourceOf(direction) === side),
      ).map((side) => this.#beat(side)),
    );
    for (const direction of DIRECTIONS) {
      if (running.includes(direction)) await this.#report(direction);
      else this.#forget(direction);
    }
    if (this.#round % SLOT_ROUNDS === 0) {
      await Promise.all(links.map(({ direction }) => this.#readSlot(direction)));
    }
    this.#round += 1;
  }

  async #readIfSilent(direction: Direction): Promise<void> {
    const lag = this.#lags[direction];
    const { clock, logger } = this.#context;
    const name = `events of ${direction}`;
    if (!lag.isSilent(clock.monotonicMs())) {
      if (this.#failing.delete(name))
        logger.info({ pair: this.#pair, direction }, 'bus speaks again');
      return;
    }
    if (!this.#failing.has(name)) {
      this.#failing.set(name, 'silent');
      logger.warn({ pair: this.#pair, direction }, 'bus is silent; lag is read from the databases');
    }
    await this.#attempt(`lag of ${direction}`, async () => {
      const source = this.#sides[sourceOf(direction)];
      const [arrival, sourceLsn, slot] = await Promise.all([
        this.#sides[targetOf(direction)].readArrival(direction),
        source.readLogEnd(),
        source.readSlot(direction),
      ]);
      lag.read({
        atMs: clock.monotonicMs(),
        sourceLsn,
        appliedLsn: arrival.appliedLsn,
        confirmedLsn: slot?.confirmedFlushLsn ?? null,
        tokenSeen: arrival.token,
      });
    });
  }

  async #beat(side: Side): Promise<void> {
    await this.#attempt(`heartbeat on ${side}`, async () => {
      const token = randomUUID();
      // Before the write: measured from here on, the lag includes the commit on the source.
      const atMs = this.#context.clock.monotonicMs();
      const sourceLsn = await this.#sides[side].writeHeartbeat(token);
      if (sourceLsn === null) return;
      for (const direction of DIRECTIONS) {
        if (sourceOf(direction) === side) this.#lags[direction].wrote({ token, atMs, sourceLsn });
      }
    });
  }

  async #report(direction: Direction): Promise<void> {
    const { clock, store, bus, metrics } = this.#context;
    const measured = this.#lags[direction].measure(clock.monotonicMs());
    showLag(metrics, this.#pair, direction, measured);
    if (!measured) return;
    const measuredAt = new Date(clock.nowMs()).toISOString();
    for (const data of measured) await bus.publish('lag', this.#event(data, measuredAt));
    const applied = measured.find(({ stage }) => stage === 'applied')!;
    await store.lag.put(this.#pair, direction, {
      lagBytes: applied.lag_bytes,
      lagMs: applied.lag_ms,
      measuredAt,
      source: applied.measured_by,
    });
  }

  #event(data: LagMeasured, time: string): CloudEvent {
    // Starts at the time, so that a restart goes on above what it said before.
    this.#sequence = Math.max(this.#sequence + 1, this.#context.clock.nowMs());
    return makeEvent({
      type: LAG_MEASURED,
      pair: this.#pair,
      sequence: this.#sequence,
      data: { ...data },
      time,
      source: '/turnout/lag-monitor',
    });
  }

  async #readSlot(direction: Direction): Promise<void> {
    const done = await this.#attempt(`slot of ${direction}`, async () => {
      const slot = await this.#sides[sourceOf(direction)].readSlot(direction);
      showSlot(this.#context.metrics, this.#pair, direction, slot?.retainedBytes ?? null);
    });
    if (!done) showSlot(this.#context.metrics, this.#pair, direction, null);
  }

  #forget(direction: Direction): void {
    showLag(this.#context.metrics, this.#pair, direction, null);
  }

  /** Lag that cannot be measured stays unknown; it never stops the monitor. */
  async #attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    const { logger } = this.#context;
    try {
      await work();
      if (this.#failing.delete(what)) logger.info({ pair: this.#pair, what }, 'works again');
      return true;
    } catch (thrown) {
      const reason = messageOf(thrown);
      if (this.#failing.get(what) !== reason) {
        logger.warn({ pair: this.#pair, what, err: thrown }, 'could not be measured');
      }
      this.#failing.set(what, reason);
      return false;
    }
  }
}

function isRunning({ observed }: LinkRow): boolean {
  return observed?.state === 'streaming' || observed?.state === 'watching';
}
