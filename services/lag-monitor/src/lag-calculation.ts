import type { LagMeasured, LagStage, LinkProgressed } from '@turnout/contracts/events';
import { bytesBetween, parseLsn } from '@turnout/core/lsn';
import type { Direction } from '@turnout/core/sides';

/** What is known of a link at one moment; everything not known is null. */
export interface LinkReading {
  readonly direction: Direction;
  readonly sourceLsn: string | null;
  readonly receivedLsn: string | null;
  readonly appliedLsn: string | null;
  readonly marker: LinkProgressed['marker'];
  readonly readMs: number;
  readonly measuredBy: 'bus' | 'sql';
}

export function readingOf(event: LinkProgressed, readMs: number): LinkReading {
  return {
    direction: event.direction,
    sourceLsn: event.source_lsn ?? null,
    receivedLsn: event.received_lsn,
    appliedLsn: event.applied_lsn,
    marker: event.marker,
    readMs,
    measuredBy: 'bus',
  };
}

function bytesBehind(source: string | null, reached: string | null): number | null {
  if (source === null || reached === null) return null;
  return bytesBetween(parseLsn(reached), parseLsn(source));
}

/**
 * Milliseconds by which a stage is behind. While the newest heartbeat is still on its way the lag is
 * at least the age of the one that arrived, so a link that stands still shows a growing lag.
 */
function msBehind(reading: LinkReading, stage: LagStage, newestMs: number | null): number | null {
  const { marker, readMs } = reading;
  if (marker === null) return null;
  const reachedAt = stage === 'received' ? marker.received_at : marker.applied_at;
  if (reachedAt === null) return null;
  const writtenMs = Date.parse(marker.written_at);
  const travelledMs = Math.max(0, Date.parse(reachedAt) - writtenMs);
  if (newestMs === null || writtenMs >= newestMs) return travelledMs;
  return Math.max(travelledMs, readMs - newestMs);
}

export interface Trend {
  readonly bytesPerSecond: number | null;
  readonly etaMs: number | null;
}

/** How fast the lag grows between two readings, and how long it takes to vanish at that rate. */
export function trendBetween(
  before: { readonly bytes: number | null; readonly readMs: number } | null,
  now: { readonly bytes: number | null; readonly readMs: number },
): Trend {
  if (before === null || before.bytes === null || now.bytes === null) {
    return { bytesPerSecond: null, etaMs: null };
  }
  const seconds = (now.readMs - before.readMs) / 1_000;
  if (seconds <= 0) return { bytesPerSecond: null, etaMs: null };
  const rate = (now.bytes - before.bytes) / seconds;
  const etaMs = now.bytes === 0 ? 0 : rate < 0 ? (now.bytes / -rate) * 1_000 : null;
  return { bytesPerSecond: rate, etaMs };
}

/** Lag of one stage from one reading and the one before it. */
export function measure(
  reading: LinkReading,
  stage: LagStage,
  { previous, newestMs, nowMs }: Context,
): LagMeasured {
  const reached = stage === 'received' ? reading.receivedLsn : reading.appliedLsn;
  const bytes = bytesBehind(reading.sourceLsn, reached);
  const before = previous && {
    bytes: bytesBehind(
      previous.sourceLsn,
      stage === 'received' ? previous.receivedLsn : previous.appliedLsn,
    ),
    readMs: previous.readMs,
  };
  const trend = trendBetween(before, { bytes, readMs: reading.readMs });
  return {
    direction: reading.direction,
    stage,
    lag_bytes: bytes,
    lag_ms: msBehind(reading, stage, newestMs),
    trend_bytes_per_second: trend.bytesPerSecond,
    eta_ms: trend.etaMs,
    age_ms: Math.max(0, nowMs - reading.readMs),
    measured_by: reading.measuredBy,
  };
}

export interface Context {
  readonly previous: LinkReading | null;
  /** When the newest heartbeat of the source was written; null before the first. */
  readonly newestMs: number | null;
  readonly nowMs: number;
}
