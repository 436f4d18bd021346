import { expect, test } from 'vitest';
import { RecentTrouble } from './recent-trouble.js';

test('a trouble counts until it has not come back for its time', () => {
  const time = { ms: 0 };
  const clock = { nowMs: () => 0, monotonicMs: () => time.ms };
  const trouble = new RecentTrouble(clock, 10);
  expect(trouble.health()).toEqual({ ok: true, reason: null });
  trouble.note('store away');
  time.ms = 8;
  expect(trouble.health()).toEqual({ ok: false, reason: 'store away' });
  trouble.note('store away');
  time.ms = 18;
  expect(trouble.health().ok).toBe(false);
  time.ms = 19;
  expect(trouble.health()).toEqual({ ok: true, reason: null });
});
