import type { Side } from '@turnout/core/sides';
import { expect, test } from 'vitest';
import { bothSidesWritableMs, type Probe } from './prober.js';

function probes(side: Side, ...atMs: number[]): Probe[] {
  return atMs.map((ms) => ({ side, atUs: ms * 1_000 }));
}

const THERE_AND_BACK = [
  { to: 'green', atMs: 100 },
  { to: 'blue', atMs: 200 },
] as const;

test('sides that take turns do not overlap', () => {
  const all = [...probes('blue', 10, 50, 98), ...probes('green', 105, 195), ...probes('blue', 207)];
  expect(bothSidesWritableMs(all, THERE_AND_BACK)).toBe(0);
});

test('overlaps of all switches add up', () => {
  const all = [...probes('blue', 10, 103), ...probes('green', 101, 205), ...probes('blue', 202)];
  expect(bothSidesWritableMs(all, THERE_AND_BACK)).toBe(5);
});

test('a target that takes a write long before its switch overlaps from there on', () => {
  const all = [...probes('blue', 0, 95), ...probes('green', 20, 105)];
  expect(bothSidesWritableMs(all, [{ to: 'green', atMs: 100 }])).toBe(75);
});
