import { formatLsn, LSN_ZERO, type Lsn } from '@turnout/core/lsn';
import { isCancelled, pause, within } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import type { InFlight } from '../tracking/tracker-state.js';
import type { Tracker } from '../tracking/tracker.js';
import {
  newMarkerToken,
  type CheckSessions,
  type SnapshotLimits,
} from '../snapshots/check-sessions.js';
import type { Snapshot } from '../snapshots/snapshot.js';

export interface AlignmentLimits extends SnapshotLimits {
  /** How long the reader may take to meet our marker. */
  readonly markerTimeoutMs: number;
  /** How long the target may take to apply what has to be in its snapshot. */
  readonly applyTimeoutMs: number;
}

/** An open pair of snapshots and what only one of them contains. */
export interface Alignment extends InFlight {
  readonly source: Snapshot;
  readonly target: Snapshot;
  readonly appliedLsn: Lsn;
}

/** Pause between two looks at a target that has not applied enough yet. */
const RETRY_INTERVAL_MS = 10;

/**
 * Opens a snapshot on each side and answers exactly which keys may differ between them for no other
 * reason than time. Transactions are told apart by id: their order in the log is not the order in
 * which they become visible. Both snapshots stay open until `sessions.rollback()`.
 *
 * @param leastAppliedLsn the target's snapshot must contain everything up to here
 * @throws TRN4002 when the target does not get that far in time, or the reader does not answer
 */
export async function align(
  sessions: CheckSessions,
  tracker: Tracker,
  limits: AlignmentLimits,
  leastAppliedLsn: Lsn = LSN_ZERO,
  signal?: AbortSignal,
): Promise<Alignment> {
  const deadlineMs = performance.now() + limits.applyTimeoutMs;
  for (;;) {
    const { alignment, waitsFor } = await attempt(sessions, tracker, limits, leastAppliedLsn);
    if (waitsFor === null) return alignment;
    await sessions.rollback();
    if (performance.now() >= deadlineMs) {
      const applied = formatLsn(alignment.appliedLsn);
      throw fail('check_inconclusive', { reason: waitsFor, applied_lsn: applied });
    }
    await pause(RETRY_INTERVAL_MS, signal);
  }
}

/**
 * Writes a marker on the source and waits until the tracker has read it: whatever committed before
 * this call is known to the tracker afterwards.
 */
export async function passMarker(
  sessions: CheckSessions,
  tracker: Tracker,
  timeoutMs: number,
): Promise<void> {
  const token = newMarkerToken();
  // Registered first: the reader may be faster than the answer to the write.
  const seen = tracker.expectMarker(token);
  try {
    const both = Promise.all([sessions.writeMarker(token), seen]);
    await within(both, timeoutMs, () =>
      fail('check_inconclusive', { reason: 'marker_not_read', timeout_ms: timeoutMs }),
    );
  } finally {
    tracker.forgetMarker(token);
  }
}

async function attempt(
  sessions: CheckSessions,
  tracker: Tracker,
  limits: AlignmentLimits,
  leastAppliedLsn: Lsn,
): Promise<{ alignment: Alignment; waitsFor: string | null }> {
  const opened = await Promise.allSettled([
    sessions.beginSource(limits),
    sessions.beginTarget(limits),
  ]);
  try {
    const [source, { snapshot: target, appliedLsn }] = [valueOf(opened[0]), valueOf(opened[1])];
    // After both snapshots: what either of them shows was logged before this marker.
    await passMarker(sessions, tracker, limits.markerTimeoutMs);
    const inFlight = tracker.state.inFlight(source, appliedLsn);
    const alignment = { source, target, appliedLsn, ...inFlight };
    return { alignment, waitsFor: waitsFor(alignment, tracker, leastAppliedLsn) };
  } catch (thrown) {
    // The first error is the one to report; a rollback that fails too belongs to a lost session.
    if (!isCancelled(thrown)) await sessions.rollback().catch(() => undefined);
    throw thrown;
  }
}

/** What the tracker has not seen must be on both sides already, or nothing can be said. */
function waitsFor(
  { source, appliedLsn }: Alignment,
  { floorLsn, floorXid, state }: Tracker,
  leastAppliedLsn: Lsn,
): string | null {
  if (appliedLsn < floorLsn) return 'target_behind_tracking_start';
  if (appliedLsn < state.settledLsn) return 'target_lost_applied_transactions';
  if (appliedLsn < leastAppliedLsn) return 'target_behind_drain_position';
  if (source.xmin < floorXid) return 'transactions_older_than_tracking';
  return null;
}

function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
}
