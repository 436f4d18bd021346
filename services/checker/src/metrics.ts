import type { Metrics } from '@turnout/service-kit/metrics';
import type { CheckerMeters } from './checker-context.js';

/** Counts what checks did; a success that never was stays absent instead of 0. */
export function createMeters(metrics: Metrics, openDifferences: OpenDifferences): CheckerMeters {
  const refresh = (pair: string): void => {
    openDifferences(pair)
      .then((open) => metrics.set('verify_differences', { pair }, open))
      .catch(() => metrics.set('verify_differences', { pair }, null));
  };
  return {
    checkEnded: (pair, _kind, outcome, _seconds, rows) => {
      metrics.count('verify_rows_compared_total', { pair }, rows);
      if (outcome === 'equal') {
        metrics.set('verify_last_success_timestamp_seconds', { pair }, Date.now() / 1_000);
      }
      refresh(pair);
    },
    differencesFound: refresh,
    tracked: () => undefined,
    roundEnded: () => undefined,
  };
}

type OpenDifferences = (pair: string) => Promise<number>;
