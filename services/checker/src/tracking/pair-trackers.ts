import { formatLsn, lsn, parseLsn } from '@turnout/core/lsn';
import { isAppError } from '@turnout/core/app-error';
import { SIDES, otherSide, type Side } from '@turnout/core/sides';
import type { Store } from '@turnout/store/store';
import { openCheckSessions, type CheckSessions } from '../snapshots/check-sessions.js';
import { parseSnapshot, type Snapshot } from '../snapshots/snapshot.js';
import { describeFailure, reasonOf } from '../check-failure.js';
import {
  openTracking,
  readUnits,
  unitsFingerprint,
  type CheckedPair,
  type SideTracking,
} from './side-tracking.js';
import { dropTracking } from './tracker.js';

/** Later than any position: on the side that is not written, everything counts as applied. */
const LSN_END = lsn(0xffff_ffff_ffff_ffffn);
/** A base taken over is kept this long for the switch that should follow. */
const ADOPTED_KEEP_MS = 60_000;
/** WAL held back for unproven keys; beyond it the base is given up rather than the disk. */
const RETAINED_BYTES_MAX = 1_073_741_824n;

export interface PairTrackersOptions {
  readonly pair: CheckedPair;
  readonly store: Pick<Store, 'tracking'>;
  readonly applicationName: string;
}

/** Which sides should be followed, as decided by the control store. */
export interface WantedTracking {
  /** Null while the pair has no direction yet, or no longer. */
  readonly writableSide: Side | null;
  readonly sides: ReadonlySet<Side>;
}

/** The trackers of a pair, at most one per side, and the sessions of the current direction. */
export class PairTrackers {
  readonly #options: PairTrackersOptions;
  readonly #trackings = new Map<Side, SideTracking>();
  readonly #adoptedAtMs = new Map<Side, number>();
  #sessions: { source: Side; sessions: CheckSessions } | null = null;

  constructor(options: PairTrackersOptions) {
    this.#options = options;
  }

  get(side: Side): SideTracking | null {
    return this.#trackings.get(side) ?? null;
  }

  /** Starts what is wanted and missing, ends and removes what is not wanted any more. */
  async reconcile({ writableSide, sides }: WantedTracking): Promise<void> {
    for (const side of SIDES) {
      if (sides.has(side)) await this.ensure(side);
      else await this.#remove(side);
    }
    if (writableSide === null) await this.closeSessions();
  }

  /** The tracker of `side`, continued from what an earlier process had proven when possible. */
  async ensure(side: Side): Promise<SideTracking> {
    const known = this.#trackings.get(side);
    if (known) return known;
    const { pair, store, applicationName } = this.#options;
    const observed = (await store.tracking.get(pair.name, side))?.observed;
    const inherited =
      observed?.baseCheckId && observed.horizonLsn
        ? { base: observed.baseCheckId, horizonLsn: parseLsn(observed.horizonLsn) }
        : null;
    const tracking = await openTracking({ pair, side, applicationName, inherited });
    this.#trackings.set(side, tracking);
    void tracking.tracker.ended.then(
      () => undefined,
      (thrown: unknown) => this.#lost(tracking, thrown),
    );
    return tracking;
  }

  /** The same after looking at both catalogs: a tracker built for other tables starts over. */
  async ensureCurrent(side: Side): Promise<SideTracking> {
    const { pair, applicationName } = this.#options;
    const tracking = await this.ensure(side);
    const units = await readUnits(pair, side, applicationName);
    if (unitsFingerprint(units) === unitsFingerprint(tracking.units)) {
      const unitsByName = new Map(units.units.map((unit) => [unit.name, unit]));
      const fresh = { ...tracking, units, unitsByName };
      this.#trackings.set(side, fresh);
      return fresh;
    }
    await this.#end(tracking);
    await this.#reportNothing(side);
    return this.ensure(side);
  }

  /** Warm sessions that read from `source` and its other side. */
  async sessions(source: Side): Promise<CheckSessions> {
    const open = this.#sessions;
    if (open?.source === source && !open.sessions.lost) return open.sessions;
    await this.closeSessions();
    const { pair, applicationName } = this.#options;
    const target = otherSide(source);
    const sessions = await openCheckSessions({
      source: { side: source, endpoint: pair[source] },
      target: { side: target, endpoint: pair[target] },
      applicationName,
    });
    this.#sessions = { source, sessions };
    return sessions;
  }

  /** Also after an error: what is open in a session after an error is not known. */
  async closeSessions(): Promise<void> {
    const open = this.#sessions;
    this.#sessions = null;
    await open?.sessions.close();
  }

  /**
   * The final check under the fence proved both sides equal: the tracker of the other side starts
   * from that proof, `snapshot` being what that side showed.
   */
  adopt(side: Side, base: string, snapshot: Snapshot): void {
    const tracking = this.#trackings.get(side);
    if (!tracking || tracking.units.refusals.length > 0) return;
    tracking.tracker.state.adoptBase(base, snapshot, LSN_END);
    this.#adoptedAtMs.set(side, performance.now());
  }

  /**
   * On the side that is not written nothing needs a proof yet: transactions it shows are forgotten,
   * unless a base was just taken over and the switch may be under way.
   */
  async settleIdle(side: Side): Promise<void> {
    const tracking = this.#trackings.get(side);
    const open = this.#sessions;
    if (!tracking || !open || open.source === side) return;
    const adoptedAtMs = this.#adoptedAtMs.get(side);
    if (adoptedAtMs !== undefined && performance.now() - adoptedAtMs < ADOPTED_KEEP_MS) return;
    this.#adoptedAtMs.delete(side);
    const { rows } = await open.sessions.target.query<{ snapshot: string }>(
      /* sql */ `select pg_current_snapshot()::text as snapshot`,
    );
    const { state } = tracking.tracker;
    state.dropBase();
    state.settle(parseSnapshot(rows[0]!.snapshot), LSN_END);
  }

  /** Reports to the store how far `side` is proven, and only then acknowledges it to the slot. */
  async report(side: Side, lastRoundAt: string | null, problem: unknown): Promise<void> {
    const tracking = this.#trackings.get(side);
    if (!tracking) return;
    const { tracker } = tracking;
    const { state } = tracker;
    if (tracker.consumedLsn - tracker.horizonLsn > RETAINED_BYTES_MAX) state.dropBase();
    const horizonLsn = tracker.horizonLsn;
    await this.#options.store.tracking.report(this.#options.pair.name, side, {
      dirty: state.dirty.count + state.dirty.wholeUnits.length,
      lastRoundAt,
      horizonLsn: formatLsn(horizonLsn),
      baseCheckId: state.base,
      code: problem === null ? null : isAppError(problem) ? problem.code : 'TRN4002',
      message: problem === null ? null : describeFailure(problem),
    });
    tracker.acknowledge(horizonLsn);
  }

  /** Ends everything here; slots stay, a successor continues them. */
  async close(): Promise<void> {
    await this.closeSessions();
    const trackings = [...this.#trackings.values()];
    await Promise.all(trackings.map((tracking) => this.#end(tracking)));
  }

  async #end(tracking: SideTracking): Promise<void> {
    this.#trackings.delete(tracking.side);
    this.#adoptedAtMs.delete(tracking.side);
    await tracking.tracker.close().catch(() => undefined);
  }

  async #remove(side: Side): Promise<void> {
    const { pair, store } = this.#options;
    const tracking = this.#trackings.get(side);
    if (tracking) await this.#end(tracking);
    const row = await store.tracking.get(pair.name, side);
    if (!tracking && !row?.observed?.horizonLsn) return;
    await dropTracking(pair.name, pair[side], this.#options.applicationName);
    await this.#reportNothing(side);
  }

  async #lost(tracking: SideTracking, thrown: unknown): Promise<void> {
    if (this.#trackings.get(tracking.side)?.tracker === tracking.tracker) await this.#end(tracking);
    // What overflowed once would overflow again when read from the same position.
    if (reasonOf(thrown) === 'tracking_overflow') {
      await this.#reportNothing(tracking.side).catch(() => undefined);
    }
  }

  async #reportNothing(side: Side): Promise<void> {
    await this.#options.store.tracking.report(this.#options.pair.name, side, {
      dirty: null,
      lastRoundAt: null,
      horizonLsn: null,
      baseCheckId: null,
    });
  }
}
