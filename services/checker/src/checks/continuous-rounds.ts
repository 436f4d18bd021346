import { isAppError } from '@turnout/core/app-error';
import { otherSide, SIDES, type Side } from '@turnout/core/sides';
import type { PairContext } from '../checker-context.js';
import { PendingWork } from '../comparison/pending-work.js';
import { Comparator } from '../comparison/comparator.js';
import type { PairTrackers } from '../tracking/pair-trackers.js';
import type { SideTracking } from '../tracking/side-tracking.js';
import {
  CONTINUOUS_KEYS_MAX,
  CONTINUOUS_LIMITS,
  CONTINUOUS_WHOLE_ROWS_MAX,
} from './check-limits.js';
import { recordedDifferences } from './recorded-differences.js';

/** While a switchover is near: what changed since the last round is compared inside the window. */
const EAGER_INTERVAL_MS = 50;
const IDLE_INTERVAL_MS = 2_000;
const REPORT_INTERVAL_MS = 1_000;

/** Proves dirty keys between checks, and lets the slots advance. */
export class ContinuousRounds {
  readonly #context: PairContext;
  readonly #trackers: PairTrackers;
  #ranAtMs = Number.NEGATIVE_INFINITY;
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  #lastRoundAt: string | null = null;
  #problem: unknown = null;

  constructor(context: PairContext, trackers: PairTrackers) {
    this.#context = context;
    this.#trackers = trackers;
  }

  dueInMs(eager: boolean): number {
    const intervalMs = eager ? EAGER_INTERVAL_MS : IDLE_INTERVAL_MS;
    return Math.max(0, this.#ranAtMs + intervalMs - performance.now());
  }

  /** One round from `source`, if it is time; a failed one is reported and left to the next. */
  async runDue(source: Side, eager: boolean, signal: AbortSignal): Promise<void> {
    const tracking = this.#trackers.get(source);
    if (this.dueInMs(eager) > 0) return;
    this.#ranAtMs = performance.now();
    if (!tracking) return;
    try {
      await this.#round(tracking, signal);
      await this.#trackers.settleIdle(otherSide(source));
      this.#lastRoundAt = new Date().toISOString();
      this.#problem = null;
      this.#context.meters.roundEnded(
        this.#context.pair.name,
        (performance.now() - this.#ranAtMs) / 1_000,
      );
    } catch (thrown) {
      this.#problem = thrown;
      // Our own refusals leave the sessions rolled back and sound.
      if (!isAppError(thrown)) await this.#trackers.closeSessions();
    }
    if (performance.now() - this.#reportedAtMs >= REPORT_INTERVAL_MS) {
      await this.report(this.#context.pair.name);
    }
  }

  async report(pair: string): Promise<void> {
    this.#reportedAtMs = performance.now();
    for (const side of SIDES) {
      const tracking = this.#trackers.get(side);
      if (!tracking) continue;
      const { dirty } = tracking.tracker.state;
      this.#context.meters.tracked(pair, side, dirty.count + dirty.wholeUnits.length);
      await this.#trackers.report(side, this.#lastRoundAt, this.#problem);
    }
  }

  async #round(tracking: SideTracking, signal: AbortSignal): Promise<void> {
    const { store, log, meters, pair } = this.#context;
    const { state } = tracking.tracker;
    const { base } = state;
    const comparator = new Comparator({
      tracker: tracking.tracker,
      sessions: await this.#trackers.sessions(tracking.side),
      units: tracking.unitsByName,
      limits: CONTINUOUS_LIMITS,
      epochMs: CONTINUOUS_LIMITS.epochMs,
      signal,
      onDifferences: async (differences) => {
        if (base === null) return;
        await store.checks.recordDifferences(base, recordedDifferences(differences));
        // Dirty keys are relative to the base: with a difference in it, a round over them is no proof.
        state.dropBase();
        meters.differencesFound(pair.name, differences.length);
        log.warn({ pair: pair.name, check: base, differences: differences.length }, 'rows differ');
      },
    });
    await comparator.round(() => (base === null ? new PendingWork() : smallPendingWork(tracking)));
  }
}

/** What one round may take on: a final check has to wait until it is over. */
function smallPendingWork({ tracker, unitsByName }: SideTracking): PendingWork {
  const pending = PendingWork.fromDirty(tracker.state.dirty, CONTINUOUS_KEYS_MAX);
  for (const name of pending.whole) {
    const rows = unitsByName.get(name)?.estimatedRows ?? Number.POSITIVE_INFINITY;
    if (rows > CONTINUOUS_WHOLE_ROWS_MAX) pending.whole.delete(name);
  }
  return pending;
}
