import type { Direction } from '@turnout/core/sides';
import { LAG_STAGES, type LagMeasured } from '@turnout/contracts/events';
import type { Metrics } from '@turnout/service-kit/metrics';

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);

/** Shows what was measured; what is not known disappears instead of standing still. */
export function showLag(
  metrics: Metrics,
  pair: string,
  direction: Direction,
  measured: readonly LagMeasured[] | null,
): void {
  for (const stage of LAG_STAGES) {
    const of = measured?.find((each) => each.stage === stage);
    const labels = { pair, direction, stage };
    metrics.set('replication_lag_bytes', labels, of?.lag_bytes ?? null);
    metrics.set('replication_lag_seconds', labels, seconds(of?.lag_ms ?? null));
  }
  const age = seconds(measured?.[0]?.age_ms ?? null);
  metrics.set('replication_lag_age_seconds', { pair, direction }, age);
}

export function showSlot(
  metrics: Metrics,
  pair: string,
  direction: Direction,
  retainedBytes: number | null,
): void {
  metrics.set('slot_retained_bytes', { pair, direction }, retainedBytes);
}
