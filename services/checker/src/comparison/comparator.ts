import type { Lsn } from '@turnout/core/lsn';
import { align, passMarker, type Alignment, type AlignmentLimits } from './alignment.js';
import type { CheckSessions } from '../snapshots/check-sessions.js';
import type { Tracker } from '../tracking/tracker.js';
import { compareKeys } from './dirty-unit.js';
import type { PendingWork } from './pending-work.js';
import type { RowDifference } from './row-differences.js';
import type { ComparisonUnit } from '../units/units.js';
import { compareWholeUnit, isWhollyInFlight } from './whole-unit.js';

export interface ComparatorOptions {
  readonly tracker: Tracker;
  readonly sessions: CheckSessions;
  readonly units: ReadonlyMap<string, ComparisonUnit>;
  readonly limits: AlignmentLimits;
  /** A pair of snapshots is not held longer than this for the next unit. */
  readonly epochMs: number;
  readonly leastAppliedLsn?: Lsn | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called before the dirty keys change; a difference must be durable first. */
  onDifferences(differences: readonly RowDifference[]): Promise<void>;
  onProgress?(tally: Tally): void;
}

/** What was compared of one unit so far. */
export interface UnitTally {
  rowsCompared: number;
  differences: number;
  ms: number;
}

export type Tally = ReadonlyMap<string, UnitTally>;

/** Compares pending units and keys, one pair of aligned snapshots at a time. */
export class Comparator {
  readonly #tally = new Map<string, UnitTally>();
  readonly #options: ComparatorOptions;

  constructor(options: ComparatorOptions) {
    this.#options = options;
  }

  get tally(): Tally {
    return this.#tally;
  }

  /**
   * One pair of snapshots: compares what it can of what `pendingAt` names once the snapshots are open.
   * Keys that were in flight stay pending. Returns the alignment (already closed) and what is left.
   */
  async round(
    pendingAt: () => PendingWork,
  ): Promise<{ pending: PendingWork; alignment: Alignment }> {
    const { sessions, tracker, limits, leastAppliedLsn, signal } = this.#options;
    const alignment = await align(sessions, tracker, limits, leastAppliedLsn, signal);
    let pending: PendingWork;
    try {
      pending = pendingAt();
      await this.#proveUnits(pending, alignment);
      await this.#proveKeys(pending, alignment);
    } catch (thrown) {
      await sessions.rollback().catch(() => undefined);
      throw thrown;
    }
    await sessions.rollback();
    tracker.state.settle(alignment.source, alignment.appliedLsn);
    return { pending, alignment };
  }

  async #proveUnits(pending: PendingWork, alignment: Alignment): Promise<void> {
    const { sessions, tracker, units, epochMs, signal } = this.#options;
    const endsAtMs = performance.now() + epochMs;
    for (const name of pending.whole) {
      signal?.throwIfAborted();
      if (performance.now() > endsAtMs) return;
      const unit = units.get(name);
      const inFlight = alignment.changedKeys.get(name);
      if (!unit || isWhollyInFlight(unit, inFlight)) continue;
      const startedAtMs = performance.now();
      const { rowsCompared, differences } = await compareWholeUnit(unit, sessions, inFlight);
      if (differences.length > 0 && (await this.#wasTruncated(name, alignment))) continue;
      await this.#record(differences);
      tracker.state.dirty.proveWhole(name, inFlight, alignment.sequence);
      pending.whole.delete(name);
      pending.dropKeys(name);
      pending.addKeys(name, inFlight?.keys ?? []);
      this.#count(name, rowsCompared, differences.length, startedAtMs);
    }
  }

  /**
   * All units at once: the sessions work through their queries without a pause in between, and
   * neither side waits for the other unit by unit. Inside the window this is most of the time.
   */
  async #proveKeys(pending: PendingWork, alignment: Alignment): Promise<void> {
    this.#options.signal?.throwIfAborted();
    await Promise.all(
      [...pending.unitsWithKeys].map((name) => this.#proveKeysOf(name, pending, alignment)),
    );
  }

  async #proveKeysOf(name: string, pending: PendingWork, alignment: Alignment): Promise<void> {
    const { sessions, tracker, units } = this.#options;
    const unit = units.get(name);
    const inFlight = alignment.changedKeys.get(name);
    if (!unit || unit.key === null || pending.whole.has(name) || inFlight?.keys === null) return;
    const keys = [...pending.keysOf(name)].filter((key) => !inFlight?.keys?.has(key));
    if (keys.length === 0) return;
    const startedAtMs = performance.now();
    const compared = await compareKeys({ ...unit, key: unit.key }, sessions, keys);
    const { equal, differences } = compared;
    if (differences.length > 0 && (await this.#wasTruncated(name, alignment))) return;
    await this.#record(differences);
    tracker.state.dirty.proveKeys(name, equal, alignment.sequence);
    pending.removeKeys(name, keys);
    this.#count(name, keys.length, differences.length, startedAtMs);
  }

  /**
   * TRUNCATE empties a table for older snapshots too. A mismatch counts only if none has come up to
   * a marker written after the rows were read.
   */
  async #wasTruncated(unit: string, alignment: Alignment): Promise<boolean> {
    const { sessions, tracker, limits } = this.#options;
    await passMarker(sessions, tracker, limits.markerTimeoutMs);
    const inFlight = alignment.changedKeys.get(unit)?.truncated ?? false;
    return inFlight || tracker.state.truncatedSince(unit, alignment.sequence);
  }

  async #record(differences: readonly RowDifference[]): Promise<void> {
    if (differences.length > 0) await this.#options.onDifferences(differences);
  }

  #count(unit: string, rowsCompared: number, differences: number, startedAtMs: number): void {
    const tally = this.#tally.get(unit) ?? { rowsCompared: 0, differences: 0, ms: 0 };
    tally.rowsCompared += rowsCompared;
    tally.differences += differences;
    tally.ms += performance.now() - startedAtMs;
    this.#tally.set(unit, tally);
    this.#options.onProgress?.(this.#tally);
  }
}
