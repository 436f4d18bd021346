import type { Sequence } from '@turnout/postgres/catalog/sequences';
import { expect, test } from 'vitest';
import { planSequence, sequenceRates, sequencesNearEnd } from './sequences.js';
import { setSequences } from './sql/sequences-sql.js';

const BIGINT_MAX = 9_223_372_036_854_775_807n;

function sequence(change: Partial<Sequence> = {}): Sequence {
  return {
    schema: 'public',
    name: 's',
    typeName: 'bigint',
    value: 1n,
    called: false,
    start: 1n,
    increment: 1n,
    min: 1n,
    max: BIGINT_MAX,
    cache: 1n,
    cycle: false,
    ownedBy: null,
    columnType: null,
    ...change,
  };
}

const at = (value: bigint, change: Partial<Sequence> = {}): Sequence =>
  sequence({ value, called: true, ...change });
const descending = { increment: -1n, min: -1_000_000n, max: -1n, start: -1n };
const small = { max: 32_767n, typeName: 'smallint' };

test.each<[string, Sequence, Sequence, bigint, boolean, boolean]>([
  ['called: ahead by the margin', at(50n), sequence(), 1_050n, true, true],
  ['by its cache when that is more', at(50n, { cache: 5_000n }), sequence(), 5_050n, true, true],
  ['never called on both', sequence(), sequence(), 1n, false, false],
  ['restarted and not called: exactly', sequence({ value: 500n }), sequence(), 500n, false, true],
  ['restarted behind: never backwards', sequence(), at(5_000n), 5_000n, true, false],
  ['already ahead: stays', at(50n), at(9_000n), 9_000n, true, false],
  ['called where the other is not, same value', at(1n), sequence(), 1_001n, true, true],
  [
    'smallserial at 32,400: a tenth of what is left',
    at(32_400n, small),
    sequence(small),
    32_436n,
    true,
    true,
  ],
  ['smallserial with nine left: exactly', at(32_758n, small), sequence(small), 32_758n, true, true],
  ['run out: stays run out', at(32_767n, small), sequence(small), 32_767n, true, true],
  [
    'an int column under a bigint sequence',
    at(2_147_483_000n, { columnType: 'integer' }),
    sequence(),
    2_147_483_064n,
    true,
    true,
  ],
  [
    'descending: further down',
    at(-50n, descending),
    sequence({ ...descending, value: -1n }),
    -1_050n,
    true,
    true,
  ],
  [
    'descending and ahead: stays',
    at(-50n, descending),
    at(-5_000n, descending),
    -5_000n,
    true,
    false,
  ],
  [
    'descending near its end',
    at(-999_900n, descending),
    sequence({ ...descending, value: -1n }),
    -999_910n,
    true,
    true,
  ],
  [
    'cycling: exactly, also backwards',
    at(7n, { cycle: true, max: 9n }),
    at(9n, { cycle: true, max: 9n }),
    7n,
    true,
    true,
  ],
  [
    'cycling and equal: left alone',
    at(7n, { cycle: true, max: 9n }),
    at(7n, { cycle: true, max: 9n }),
    7n,
    true,
    false,
  ],
  [
    'by steps of five: whole steps',
    at(50n, { increment: 5n }),
    sequence({ increment: 5n }),
    5_050n,
    true,
    true,
  ],
])('%s', (_, from, to, value, called, moves) => {
  const plan = planSequence(from, to);
  expect(plan.target).toEqual({ value, called });
  expect(plan.moves).toBe(moves);
});

test('the margin follows the rate that was seen', () => {
  const rates = sequenceRates(
    { atMs: 0, moves: [{ name: '"public"."s"', from: '0' }] },
    { atMs: 2_000, moves: [{ name: '"public"."s"', from: '8000' }] },
  );
  expect(rates.get('"public"."s"')).toBe(4_000);
  const { margin } = planSequence(at(8_000n), sequence(), { rates, windowMs: 5_000 });
  expect(margin).toBe(20_000n);
});

test.each<[string, Sequence, string | null]>([
  ['far from its end', at(50n), null],
  ['within the margin', at(32_400n, small), '"public"."s"'],
  [
    'with a twentieth of its range left',
    at(2_100_000_000n, { max: 2_147_483_647n }),
    '"public"."s"',
  ],
  ['whose column ends sooner', at(2_100_000_000n, { columnType: 'integer' }), '"public"."s"'],
  ['descending', at(-999_900n, descending), '"public"."s"'],
  ['that cycles', at(32_400n, { ...small, cycle: true }), null],
])('a sequence %s', (_, from, named) => {
  expect(sequencesNearEnd([from])[0]?.name ?? null).toBe(named);
});

test('many sequences are set in one statement, odd names included', () => {
  const { values } = setSequences([
    { name: '"a b"."c""d"', value: -5n, called: false },
    { name: '"p"."q"', value: 7n, called: true },
  ]);
  expect(values).toEqual([
    String.raw`{"\"a b\".\"c\"\"d\"","\"p\".\"q\""}`,
    '{-5,7}',
    '{false,true}',
  ]);
});
