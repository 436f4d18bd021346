import type { Clock } from '@turnout/core/clock';
import { laterOf, type Lsn } from '@turnout/core/lsn';
import type { ProgressKeeper } from './progress-keeper.js';
import { writePosition } from './sql/position.js';
import type { TargetSession } from './target-session.js';

/** Asynchronous groups wait this long for their durable one; it is also the pace of acknowledging. */
export const DURABLE_INTERVAL_MS = 200;
/** Skipped and idle stretches are persisted this often, so that an idle slot lets go of its WAL. */
export const POSITION_INTERVAL_MS = 10_000;

export interface FlushTrackerOptions {
  readonly target: TargetSession;
  readonly progress: ProgressKeeper;
  readonly flushLsn: Lsn;
  readonly clock: Clock;
  readonly acknowledge: (lsn: Lsn) => void;
}

/**
 * Knows what is durable on the target and acknowledges that to the slot. Anything beyond it would be
 * skipped for good by the next START_REPLICATION if the target lost it.
 */
export class FlushTracker {
  readonly #target: TargetSession;
  readonly #progress: ProgressKeeper;
  readonly #clock: Clock;
  readonly #acknowledge: (lsn: Lsn) => void;
  #flushLsn: Lsn;
  /** Everything below is applied or rightly skipped, once the open group is applied. */
  #passedLsn: Lsn;
  #appliedLsn: Lsn;
  #unflushed = false;
  #durableAtMs: number;
  #positionAtMs: number;

  constructor({ target, progress, flushLsn, clock, acknowledge }: FlushTrackerOptions) {
    this.#target = target;
    this.#progress = progress;
    this.#clock = clock;
    this.#acknowledge = acknowledge;
    this.#flushLsn = flushLsn;
    this.#passedLsn = flushLsn;
    this.#appliedLsn = flushLsn;
    this.#durableAtMs = clock.monotonicMs();
    this.#positionAtMs = clock.monotonicMs();
  }

  get flushLsn(): Lsn {
    return this.#flushLsn;
  }

  /** True when the next group should wait for the disk. */
  get durableDue(): boolean {
    return this.#clock.monotonicMs() - this.#durableAtMs >= DURABLE_INTERVAL_MS;
  }

  /** Position up to which everything is visible on the target, or rightly is not. */
  get appliedLsn(): Lsn {
    return this.#appliedLsn;
  }

  /** `settled`: no group is open, so that what was passed is also done. */
  passed(lsn: Lsn, settled: boolean): void {
    this.#passedLsn = laterOf(this.#passedLsn, lsn);
    if (settled) this.#appliedLsn = this.#passedLsn;
  }

  /** A group was committed; a durable one flushes all WAL before it, earlier groups too. */
  committed(endLsn: Lsn, durable: boolean): void {
    this.#appliedLsn = laterOf(this.#appliedLsn, endLsn);
    if (!durable) {
      this.#unflushed = true;
      return;
    }
    this.#unflushed = false;
    this.#durableAtMs = this.#clock.monotonicMs();
    this.#acknowledgeTo(endLsn);
  }

  /** Milliseconds until `persist` should run with nothing else to do; null when there is no need. */
  dueInMs(): number | null {
    const nowMs = this.#clock.monotonicMs();
    if (this.#unflushed) return Math.max(0, this.#durableAtMs + DURABLE_INTERVAL_MS - nowMs);
    if (this.#passedLsn <= this.#flushLsn) return null;
    return Math.max(0, this.#positionAtMs + POSITION_INTERVAL_MS - nowMs);
  }

  /**
   * Writes the position durably; only when no group is open. The progress row is matched under its
   * lock: an unfenced write of a zombie would skip rows for good.
   * @throws TRN3009
   */
  async persist(): Promise<void> {
    const { row, link } = this.#progress;
    const flushed = laterOf(this.#passedLsn, row.endLsn);
    const written = await this.#target.transaction(
      [writePosition({ link, leaseEpoch: row.leaseEpoch, source: row.sourceLsn, flushed })],
      { durable: true },
    );
    if (written[0]?.length !== 1) {
      await this.#progress.reload();
      return;
    }
    this.#unflushed = false;
    this.#durableAtMs = this.#clock.monotonicMs();
    this.#positionAtMs = this.#durableAtMs;
    this.#acknowledgeTo(flushed);
  }

  #acknowledgeTo(lsn: Lsn): void {
    this.#flushLsn = laterOf(this.#flushLsn, lsn);
    this.#acknowledge(this.#flushLsn);
  }
}
