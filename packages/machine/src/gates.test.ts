import { expect, test } from 'vitest';
import { evaluateGates, GATE_IDS, type GateFacts, type GateLimits } from './gates.js';

const limits: GateLimits = { lagMaxMs: 1_000, verifiedWithinMs: 86_400_000, writerAgeMaxMs: 5_000 };

const good: GateFacts = {
  lagMs: 4,
  linkState: 'streaming',
  verifiedAgoMs: 60_000,
  openDifferences: 0,
  openLeaks: 0,
  oldestWriter: { ms: 0, session: null },
  preparedTransactions: [],
  schemaDifferences: [],
  poolersSilent: [],
  workersMissing: [],
  standbysBehind: [],
};

const closed = (facts: GateFacts): string[] =>
  evaluateGates(facts, limits)
    .filter(({ open }) => !open)
    .map(({ id }) => id);

test('with everything measured and within limits all gates are open', () => {
  expect(closed(good)).toEqual([]);
});

test('nothing known means every gate is closed, and no value is invented', () => {
  const unknown = Object.fromEntries(Object.keys(good).map((key) => [key, null]));
  const verdicts = evaluateGates(unknown as unknown as GateFacts, limits);
  expect(verdicts.map(({ open }) => open)).toEqual(GATE_IDS.map(() => false));
  expect(verdicts.map(({ observed }) => observed)).toEqual(GATE_IDS.map(() => null));
});

test.each([
  ['lag', { lagMs: 1_001 }],
  ['link', { linkState: 'failed' }],
  ['verified', { verifiedAgoMs: 86_400_001 }],
  ['differences', { openDifferences: 1 }],
  ['leaks', { openLeaks: 1 }],
  ['writers', { oldestWriter: { ms: 5_001, session: 'pid 7 (report)' } }],
  ['prepared', { preparedTransactions: ['import_1'] }],
  ['schema', { schemaDifferences: ['view public.v'] }],
  ['poolers', { poolersSilent: ['pgbouncer'] }],
  ['workers', { workersMissing: ['checker/shop'] }],
  ['standbys', { standbysBehind: ['green: replica'] }],
])('only gate %s closes on %o', (id, fact) => {
  expect(closed({ ...good, ...fact })).toEqual([id]);
});
