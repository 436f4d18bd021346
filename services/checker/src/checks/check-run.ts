import { performance } from 'node:perf_hooks';
import { parseLsn, type Lsn } from '@turnout/core/lsn';
import { pause } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import type { CheckEnd, CheckKind, CheckTable } from '@turnout/store/checks';
import type { Alignment } from '../comparison/alignment.js';
import type { CheckSessions } from '../snapshots/check-sessions.js';
import { PendingWork } from '../comparison/pending-work.js';
import { Comparator, type Tally } from '../comparison/comparator.js';
import type { RowDifference } from '../comparison/row-differences.js';
import type { SideTracking } from '../tracking/side-tracking.js';
import { reasonOf } from '../check-failure.js';
import { FINAL_LIMITS, FULL_LIMITS, type CheckLimits } from './check-limits.js';

/** Pause between rounds that left something in flight. */
const ROUND_INTERVAL_MS = 10;

export interface CheckParts {
  readonly id: string;
  readonly kind: CheckKind;
  readonly params: Readonly<Record<string, unknown>>;
  readonly tracking: SideTracking;
  readonly sessions: CheckSessions;
  readonly signal: AbortSignal;
  record(differences: readonly RowDifference[]): Promise<void>;
  onProgress?(tally: Tally): void;
}

export interface CheckResult {
  readonly end: CheckEnd;
  /** The snapshots of the last round; null when none was opened. */
  readonly alignment: Alignment | null;
  /** What ended it early; the sessions may be unusable. */
  readonly thrown: unknown;
}

/**
 * Runs one check to its end. It never throws: what prevents a proof is an outcome of its own. A full
 * check that finds everything equal becomes the base of what is tracked from then on.
 */
export async function runCheck(parts: CheckParts): Promise<CheckResult> {
  const { id, kind, tracking } = parts;
  const { state } = tracking.tracker;
  const startedAtMs = performance.now();
  const run = new CheckRun(parts);
  let reason: string | null = null;
  let thrown: unknown;
  try {
    if (kind === 'full') state.collect();
    reason = await run.prove();
  } catch (error) {
    thrown = error;
    reason = reasonOf(error);
  }
  const end = endOf(parts, run.tally, reason, (performance.now() - startedAtMs) / 1_000);
  if (end.outcome === 'different') state.dropBase();
  else if (kind === 'full' && end.outcome === 'equal') state.setBase(id);
  else state.stopCollecting();
  return { end, alignment: run.alignment, thrown };
}

class CheckRun {
  readonly #parts: CheckParts;
  readonly #limits: CheckLimits;
  readonly #comparator: Comparator;
  alignment: Alignment | null = null;

  constructor(parts: CheckParts) {
    const { tracking, sessions, signal, record, onProgress } = parts;
    this.#parts = parts;
    this.#limits = parts.kind === 'final' ? FINAL_LIMITS : FULL_LIMITS;
    this.#comparator = new Comparator({
      tracker: tracking.tracker,
      sessions,
      units: tracking.unitsByName,
      limits: this.#limits,
      epochMs: this.#limits.epochMs,
      leastAppliedLsn: drainLsnOf(parts.params),
      signal,
      onDifferences: record,
      ...(onProgress ? { onProgress } : {}),
    });
  }

  get tally(): Tally {
    return this.#comparator.tally;
  }

  /** Answers null when everything pending was compared, otherwise why not. */
  async prove(): Promise<string | null> {
    const { kind, tracking, signal } = this.#parts;
    const { state } = tracking.tracker;
    // Without a base, keys that were never compared would pass as equal.
    if (kind !== 'full' && state.base === null) return 'no_base';
    let pending: PendingWork | null = null;
    let least = Number.POSITIVE_INFINITY;
    let progressAtMs = performance.now();
    for (;;) {
      const round: Awaited<ReturnType<Comparator['round']>> = await this.#comparator.round(
        () => pending ?? this.#allPendingWork(),
      );
      ({ pending, alignment: this.alignment } = round);
      if (pending.isEmpty) break;
      // Units weigh more than keys: a unit that is proven leaves its keys in flight behind.
      const left = pending.whole.size * 1e9 + pending.keyCount;
      if (left < least) [least, progressAtMs] = [left, performance.now()];
      if (performance.now() - progressAtMs > this.#limits.stallMs) return stallReason(pending);
      await pause(ROUND_INTERVAL_MS, signal);
    }
    if (kind === 'final' && state.dirty.units.length > 0) return 'written_during_final_check';
    return null;
  }

  #allPendingWork(): PendingWork {
    const { kind, tracking } = this.#parts;
    if (kind === 'full') return new PendingWork(tracking.unitsByName.keys());
    return PendingWork.fromDirty(tracking.tracker.state.dirty);
  }
}

function endOf(
  { kind, tracking }: CheckParts,
  tally: Tally,
  reason: string | null,
  seconds: number,
): CheckEnd {
  const tables: CheckTable[] = [...tally].map(([table, each]) => ({ table, ...each }));
  const rowsCompared = tables.reduce((sum, table) => sum + table.rowsCompared, 0);
  const differences = tables.reduce((sum, table) => sum + table.differences, 0);
  const refusals = kind === 'full' ? tracking.units.refusals : [];
  const why = reason ?? (refusals.length > 0 ? 'tables_not_comparable' : null);
  const outcome = differences > 0 ? 'different' : why === null ? 'equal' : 'could_not_verify';
  const findings = refusals.length > 0 ? { refusals } : undefined;
  return { outcome, reason: why, tables, rowsCompared, differences, seconds, findings };
}

function stallReason(pending: PendingWork): string {
  if (pending.whole.size > 0)
    return `tables_in_flight: ${[...pending.whole].slice(0, 5).join(', ')}`;
  return `keys_in_flight: ${pending.keyCount}`;
}

function drainLsnOf(params: Readonly<Record<string, unknown>>): Lsn | undefined {
  const text = params['drainLsn'];
  if (text === undefined || text === null) return undefined;
  if (typeof text !== 'string') throw fail('check_inconclusive', { reason: 'drain_lsn_not_text' });
  return parseLsn(text);
}
