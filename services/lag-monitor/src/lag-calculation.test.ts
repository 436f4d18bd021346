import { expect, test } from 'vitest';
import { measure, trendBetween, type LinkReading } from './lag-calculation.js';

const at = (ms: number): string => new Date(ms).toISOString();

const reading: LinkReading = {
  direction: 'forward',
  sourceLsn: '0/2000',
  receivedLsn: '0/1F00',
  appliedLsn: '0/1000',
  marker: { token: 'a', written_at: at(1_000), received_at: at(1_004), applied_at: at(1_009) },
  readMs: 1_500,
  measuredBy: 'bus',
};

test('bytes and milliseconds are those of the stage', () => {
  const context = { previous: null, newestMs: 1_000, nowMs: 1_600 };
  expect(measure(reading, 'received', context)).toMatchObject({ lag_bytes: 256, lag_ms: 4 });
  expect(measure(reading, 'applied', context)).toMatchObject({
    lag_bytes: 4096,
    lag_ms: 9,
    age_ms: 100,
  });
});

test('a link that stands still falls behind, although its last heartbeat was quick', () => {
  const context = { previous: null, newestMs: 1_200, nowMs: 9_000 };
  const lag = measure({ ...reading, readMs: 9_000 }, 'applied', context);
  expect(lag.lag_ms).toBe(7_800);
});

test('nothing known is null, never 0', () => {
  const unknown = { ...reading, sourceLsn: null, marker: null };
  const context = { previous: null, newestMs: null, nowMs: 1_600 };
  expect(measure(unknown, 'applied', context)).toMatchObject({
    lag_bytes: null,
    lag_ms: null,
    trend_bytes_per_second: null,
    eta_ms: null,
  });
});

test('there is an estimate only while the lag shrinks', () => {
  const trend = trendBetween({ bytes: 1_000, readMs: 0 }, { bytes: 500, readMs: 1_000 });
  expect(trend).toEqual({ bytesPerSecond: -500, etaMs: 1_000 });
  expect(trendBetween({ bytes: 1, readMs: 0 }, { bytes: 500, readMs: 1_000 }).etaMs).toBeNull();
});
