import { parse } from 'libpg-query';
import { expect, test } from 'vitest';
import type { UnitSide } from '../../units/units.js';
import { bucketDigests, bucketMultiset, bucketRows, columnDigests, keyDigests } from './digests.js';

const SIDE: UnitSide = {
  schema: 'odd "schema"',
  table: 'select',
  forms: ['t."a"', 't."b"::text', 'ascii(t."c")'],
  keyForms: ['t."a"', 't."b"::text'],
  keyTypes: ['bigint', 'character varying(10)'],
};
const KEYLESS: UnitSide = { ...SIDE, keyForms: [], keyTypes: [] };
const KEYS = [
  ['1', 'x'],
  ['2', "o'clock"],
];

test.each([
  bucketDigests(SIDE, 63),
  bucketDigests(KEYLESS, 63),
  bucketRows(SIDE, ['a', 'b'], 63, [1, 2]),
  bucketMultiset(KEYLESS, 63, [1]),
  keyDigests(SIDE, ['a', 'b'], KEYS),
  columnDigests(SIDE, ['a', 'b'], KEYS),
])('$name is SQL', async ({ text }) => {
  await expect(parse(text)).resolves.toMatchObject({ stmts: [{}] });
  expect(text).not.toContain("o'clock");
});

test('keys travel as one array per column', () => {
  expect(keyDigests(SIDE, ['a', 'b'], KEYS).values).toEqual([
    ['1', '2'],
    ['x', "o'clock"],
  ]);
});
