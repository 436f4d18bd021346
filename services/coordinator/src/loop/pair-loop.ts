import { fail, isError } from '@turnout/contracts/errors';
import { SIDES, type Side } from '@turnout/core/sides';
import { deferred, isCancelled, pause, type Deferred } from '@turnout/core/waiting';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import { whileHolding, type HeldLease } from '@turnout/store/held-lease';
import type { PairContext } from '../context.js';
import type { GateKeeper } from '../gates/gate-keeper.js';
import { leaderLease } from '../gates/workers.js';
import { CheckFollower } from '../lifecycle/follow-checks.js';
import { runStage } from '../lifecycle/run-stage.js';
import type { Leading } from '../lifecycle/stage.js';
import { nextEpoch } from '../side/claim.js';
import type { SideProbe } from '../side/side-probe.js';
import { keepIdentities, keepLinks, keepSecondLayer, keepTracking, RouteKeeper } from './keep.js';
import { handleRequest } from './requests.js';
import { factsOf, rowsSeen, type Scene } from './scene.js';
import { settle, type Settlement } from './settle-table.js';
import { SETTLERS } from './settlers.js';
import { Switching } from './switching.js';
import type { Wait } from '../lifecycle/wait.js';
import { waitAfter, WaitingNote } from './waiting.js';

/**
 * Between the two commits nobody can write until a successor acts, and it acts when this is over; a
 * process that is merely slow is fenced by the claims, so a short life endangers nothing.
 */
const LEASE_TTL_MS = 3_000;
const ROUND_INTERVAL_MS = 1_000;

export interface LoopParts {
  readonly context: PairContext;
  readonly probes: Readonly<Record<Side, SideProbe>>;
  readonly gates: GateKeeper;
}

/**
 * The permanent loop of one pair (PROTOCOL 12). Whoever holds the lease goes round: observe the sides,
 * then the store; settle what they say; act on what is asked for. Whatever goes wrong ends in the next
 * round: there is no other error path.
 */
export class PairLoop {
  readonly #context: PairContext;
  readonly #probes: Readonly<Record<Side, SideProbe>>;
  readonly #gates: GateKeeper;
  readonly #note: WaitingNote;
  readonly #checks = new CheckFollower();
  readonly routes = new RouteKeeper();
  readonly switching: Switching;
  #woken: Deferred<void> = deferred();
  #phase: Phase | null = null;
  #roundAtMs: number;
  #leading = false;

  constructor({ context, probes, gates }: LoopParts) {
    this.#context = context;
    this.#probes = probes;
    this.#gates = gates;
    this.#note = new WaitingNote(context);
    this.#roundAtMs = context.clock.monotonicMs();
    this.switching = new Switching(context, probes);
  }

  /** Milliseconds since the loop last began a round; an attempt under way counts as one. */
  idleMs(): number {
    if (this.switching.attempt !== null || !this.#leading) return 0;
    return this.#context.clock.monotonicMs() - this.#roundAtMs;
  }

  /** Something is asked for: go round now. */
  wake(): void {
    this.#woken.resolve();
  }

  run(signal: AbortSignal): Promise<void> {
    const { store, instanceId, clock, metrics, pair, logger } = this.#context;
    const name = leaderLease(pair.name);
    return whileHolding(
      store.leases,
      {
        name,
        holder: instanceId,
        ttlMs: LEASE_TTL_MS,
        clock,
        outage: 'stop',
        onHeld: (held) => {
          this.#leading = held;
          metrics.set('lease_held', { name }, held ? 1 : 0);
        },
        onTrouble: (thrown) => logger.warn({ pair: pair.name, err: thrown }, 'lease not held'),
      },
      signal,
      (lease) => this.#lead(lease, signal),
    );
  }

  /** Goes round while the lease is held; what this process left unsettled it settles without it too. */
  async #lead(lease: HeldLease, stop: AbortSignal): Promise<void> {
    const { logger, pair } = this.#context;
    while (!stop.aborted && (!lease.lost.aborted || this.switching.unsettled)) {
      this.#woken = deferred();
      this.#roundAtMs = this.#context.clock.monotonicMs();
      let again = false;
      try {
        again = await this.#round(lease);
      } catch (thrown) {
        if (!isCancelled(thrown)) {
          logger.warn({ pair: pair.name, err: thrown }, 'the round ended; looking again');
          await this.#note.set(waitAfter(thrown));
        }
      }
      if (!again) await this.#rest(stop);
    }
  }

  async #rest(stop: AbortSignal): Promise<void> {
    const rested = new AbortController();
    const ended = AbortSignal.any([stop, rested.signal]);
    const passed = pause(ROUND_INTERVAL_MS, ended).catch(() => undefined);
    await Promise.race([this.#woken.promise, passed]);
    rested.abort();
  }

  /** Observe, settle, act. @returns whether to go round again at once */
  async #round(lease: HeldLease): Promise<boolean> {
    const scene = await this.#observe();
    // A process that was halted for longer than its lease may wake up right here, before any timer.
    if (scene.store && !lease.lost.aborted) await lease.stillHeld();
    if (scene.store) this.#phase = scene.store.row.phase as Phase;
    if (lease.lost.aborted && !this.switching.mayStillSettle(scene)) {
      this.switching.settled();
      return false;
    }
    const settlement = settle(factsOf(scene, null, { phase: this.#phase }));
    if (settlement.do !== 'nothing') {
      const wait = await this.#settle(lease, scene, settlement);
      await this.#note.set(wait);
      return wait === null;
    }
    this.switching.settled();
    return lease.lost.aborted ? false : this.#act(lease, scene);
  }

  async #observe(): Promise<Scene> {
    const { store, pair } = this.#context;
    const [blue, green] = await Promise.all(
      SIDES.map((side) => this.#probes[side].inspectAfresh()),
    );
    const sides = { blue: blue!, green: green! };
    try {
      const row = await store.pairs.get(pair.name);
      if (!row) throw fail('pair_unknown', { pair: pair.name });
      return { sides, store: { row, switchover: await store.switchovers.running(pair.name) } };
    } catch (thrown) {
      if (!isError(thrown, 'store_unreachable')) throw thrown;
      return { sides, store: null };
    }
  }

  async #settle(lease: HeldLease, scene: Scene, settlement: Settlement): Promise<Wait | null> {
    const { sides, store } = scene;
    const context = this.#context;
    context.logger.info({ pair: context.pair.name, ...settlement }, 'settling');
    const wait = await SETTLERS[settlement.do]({
      context,
      gates: this.#gates,
      settlement,
      switchover: store?.switchover ?? null,
      epoch: nextEpoch(lease.epoch, rowsSeen(sides)),
      last: this.switching.last,
      onClaim: ({ claim }) => this.switching.remember(claim),
    });
    this.routes.hurry();
    // While it waits for a person, what the person says is heard.
    const leading = wait && this.#leadingIn(lease, scene);
    const heard = leading && (await handleRequest(leading, wait));
    return heard ? null : wait;
  }

  #leadingIn(lease: HeldLease, { sides, store }: Scene): Leading | null {
    const context = this.#context;
    return store && { context, gates: this.#gates, lease, row: store.row, sides };
  }

  async #act(lease: HeldLease, scene: Scene): Promise<boolean> {
    const leading = this.#leadingIn(lease, scene);
    if (!leading) return false;
    if (await handleRequest(leading)) return true;
    const asked = scene.store?.switchover;
    if (asked) {
      await this.#note.set(null);
      await this.switching.begin(leading, asked);
      this.routes.hurry();
      return this.switching.unsettled;
    }
    await keepLinks(leading);
    await this.#checks.follow(this.#context);
    if (PHASE_TRAITS[leading.row.phase as Phase].installed) {
      await keepTracking(leading);
      await keepIdentities(leading);
      await keepSecondLayer(leading);
      await this.routes.keep(leading);
    }
    const { done, wait } = await runStage(leading);
    await this.#note.set(wait);
    return done;
  }
}
