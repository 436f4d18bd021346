import type { AlignmentLimits } from '../comparison/alignment.js';

/** Limits of one kind of comparison; all in milliseconds. */
export interface CheckLimits extends AlignmentLimits {
  /** A pair of snapshots is not held longer than this for the next table. */
  readonly epochMs: number;
  /** Rows may stay in flight this long without any being proven. */
  readonly stallMs: number;
}

export const FULL_LIMITS: CheckLimits = {
  lockTimeoutMs: 5_000,
  statementTimeoutMs: 600_000,
  markerTimeoutMs: 30_000,
  applyTimeoutMs: 60_000,
  epochMs: 20_000,
  stallMs: 30_000,
};

/** Inside the window: whoever cannot answer soon is not waited for. */
export const FINAL_LIMITS: CheckLimits = {
  lockTimeoutMs: 100,
  statementTimeoutMs: 2_000,
  markerTimeoutMs: 1_000,
  applyTimeoutMs: 1_000,
  epochMs: 2_000,
  stallMs: 1_000,
};

/** Between checks: a round that does not succeed at once leaves it to the next one. */
export const CONTINUOUS_LIMITS: CheckLimits = {
  lockTimeoutMs: 50,
  statementTimeoutMs: 2_000,
  markerTimeoutMs: 1_000,
  applyTimeoutMs: 0,
  epochMs: 250,
  stallMs: 0,
};

/** Dirty keys of a unit compared in one continuous round, so that a final check waits for little. */
export const CONTINUOUS_KEYS_MAX = 2_000;
/** Larger tables are compared as a whole by checks only. */
export const CONTINUOUS_WHOLE_ROWS_MAX = 50_000;
