import { lsn } from '@turnout/core/lsn';
import type { LinkProgressed } from '@turnout/contracts/events';
import { describe, expect, test } from 'vitest';
import { LinkLag, EVENT_AGE_MAX_MS } from './link-lag.js';

const at = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();

/** A heartbeat every second from 0 on, each 1,000 bytes further. */
function beat(lag: LinkLag, count: number): void {
  for (let n = 0; n < count; n += 1) {
    lag.wrote({ token: `t${n}`, atMs: n * 1_000, sourceLsn: lsn(BigInt(1_000 * (n + 1))) });
  }
}

const event = (token: number | null, appliedBytes: number): LinkProgressed => ({
  direction: 'forward',
  received_lsn: `0/${(appliedBytes + 500).toString(16)}`,
  applied_lsn: `0/${appliedBytes.toString(16)}`,
  durable_lsn: null,
  marker:
    token === null
      ? null
      : {
          token: `t${token}`,
          written_at: at(token * 1_000),
          received_at: at(token * 1_000 + 4),
          applied_at: at(token * 1_000 + 9),
        },
});

const stage = (lag: LinkLag, name: 'received' | 'applied', nowMs: number) =>
  lag.measure(nowMs)?.find((each) => each.stage === name);

describe('lag of a link', () => {
  test('nothing is known before anything was said', () => {
    const lag = new LinkLag('forward');
    beat(lag, 3);
    expect(lag.measure(2_100)).toBeNull();
  });

  test('a link that keeps up is as late as its newest heartbeat was', () => {
    const lag = new LinkLag('forward');
    beat(lag, 3);
    lag.progressed(1, event(2, 3_000), 2_050);
    expect(stage(lag, 'applied', 2_100)).toMatchObject({
      lag_bytes: 0,
      lag_ms: 9,
      eta_ms: 0,
      age_ms: 50,
      measured_by: 'bus',
    });
    expect(stage(lag, 'received', 2_100)?.lag_ms).toBe(4);
  });

  test('a link that falls behind is as late as the oldest heartbeat it has not applied', () => {
    const lag = new LinkLag('forward');
    beat(lag, 10);
    lag.progressed(1, event(2, 3_000), 9_050);
    expect(stage(lag, 'applied', 9_100)).toMatchObject({ lag_bytes: 7_000, lag_ms: 6_100 });
    expect(stage(lag, 'received', 9_100)).toMatchObject({ lag_bytes: 6_500, lag_ms: null });
  });

  test('an event that comes out of order does not undo a newer one', () => {
    const lag = new LinkLag('forward');
    beat(lag, 3);
    lag.progressed(5, event(2, 3_000), 2_050);
    lag.progressed(4, event(0, 1_000), 2_060);
    expect(stage(lag, 'applied', 2_100)?.lag_bytes).toBe(0);
  });

  test('bytes are unknown while the end of the source is not read; they are never 0', () => {
    const lag = new LinkLag('forward');
    lag.progressed(1, event(null, 3_000), 100);
    expect(stage(lag, 'applied', 200)).toMatchObject({
      lag_bytes: null,
      lag_ms: null,
      eta_ms: null,
    });
  });

  test('a silent bus gives way to the databases, which bound the lag from above', () => {
    const lag = new LinkLag('forward');
    beat(lag, 8);
    lag.progressed(1, event(1, 2_000), 1_050);
    const nowMs = 1_050 + EVENT_AGE_MAX_MS + 1_000;
    expect(lag.isSilent(nowMs)).toBe(true);
    expect(lag.measure(nowMs)).toBeNull();
    lag.read({
      atMs: nowMs - 10,
      sourceLsn: lsn(8_000n),
      appliedLsn: lsn(7_500n),
      confirmedLsn: lsn(7_000n),
      tokenSeen: 't7',
    });
    expect(stage(lag, 'applied', nowMs)).toMatchObject({
      lag_bytes: 500,
      lag_ms: 50,
      measured_by: 'sql',
    });
    expect(stage(lag, 'received', nowMs)).toMatchObject({ lag_bytes: null, lag_ms: null });
  });

  test('a link that catches up tells when it will have', () => {
    const lag = new LinkLag('forward');
    for (let n = 0; n <= 5; n += 1) {
      lag.wrote({ token: `t${n}`, atMs: n * 1_000, sourceLsn: lsn(100_000n) });
      lag.progressed(n, event(n, 10_000 * n), n * 1_000 + 10);
      lag.measure(n * 1_000 + 20);
    }
    const measured = stage(lag, 'applied', 5_020);
    expect(measured?.trend_bytes_per_second).toBe(-10_000);
    expect(measured?.eta_ms).toBe(5_000);
  });
});
