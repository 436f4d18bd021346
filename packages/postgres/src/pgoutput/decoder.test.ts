import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PgoutputDecoder } from './decoder.js';
import { UNCHANGED, type Cell } from './messages.js';

const u8 = (value: number): Buffer => Buffer.from([value]);
const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, value));
  return bytes;
};
const name = (value: string): Buffer => Buffer.from(`${value}\0`, 'utf8');
const message = (tag: string, ...parts: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from(tag, 'latin1'), ...parts]);

function row(cells: readonly Cell[]): Buffer {
  const values = cells.map((cell) => {
    if (cell === null) return Buffer.from('n');
    if (cell === UNCHANGED) return Buffer.from('u');
    const text = Buffer.from(cell as string, 'utf8');
    return Buffer.concat([Buffer.from('t'), u32(text.length), text]);
  });
  return Buffer.concat([u16(cells.length), ...values]);
}

const OID = 4_000_000_001;

function relation(columns: readonly string[], identity = 'd', schema = 'public'): Buffer {
  return message(
    'R',
    u32(OID),
    name(schema),
    name('orders'),
    Buffer.from(identity),
    u16(columns.length),
    ...columns.map((column, index) =>
      Buffer.concat([u8(index === 0 ? 1 : 0), name(column), u32(25), u32(0xffff_ffff)]),
    ),
  );
}

function decoderWith(columns: readonly string[], identity = 'd'): PgoutputDecoder {
  const decoder = new PgoutputDecoder();
  expect(decoder.decode(relation(columns, identity))).toBeNull();
  return decoder;
}

test('begin and commit carry positions and transaction ids above the signed range', () => {
  const decoder = new PgoutputDecoder();
  expect(
    decoder.decode(message('B', u64(0xffff_ffff_0000_0001n), u64(1_000_000n), u32(4_294_967_295))),
  ).toEqual({
    kind: 'begin',
    finalLsn: 0xffff_ffff_0000_0001n,
    xid: 4_294_967_295,
    committedAtUs: 946_684_801_000_000n,
  });
  expect(decoder.decode(message('C', u8(0), u64(16n), u64(64n), u64(0n)))).toEqual({
    kind: 'commit',
    finalLsn: 16n,
    endLsn: 64n,
  });
});

test('an OID above 2^31 finds its relation', () => {
  const decoded = decoderWith(['id']).decode(message('I', u32(OID), Buffer.from('N'), row(['1'])));
  expect(decoded).toMatchObject({ kind: 'insert', relation: { oid: OID, schema: 'public' } });
});

test('an unchanged TOAST value is neither NULL nor text', () => {
  const decoded = decoderWith(['id', 'body']).decode(
    message('U', u32(OID), Buffer.from('N'), row(['1', UNCHANGED])),
  );
  expect(decoded).toMatchObject({ kind: 'update', old: null, row: ['1', UNCHANGED] });
});

test.each([
  ['K', 'key'],
  ['O', 'full'],
])('an update with old row %s says which form it has', (letter, form) => {
  const decoded = decoderWith(['id', 'body']).decode(
    message(
      'U',
      u32(OID),
      Buffer.from(letter),
      row(['1', null]),
      Buffer.from('N'),
      row(['2', 'x']),
    ),
  );
  expect(decoded).toMatchObject({ old: { form, row: ['1', null] }, row: ['2', 'x'] });
});

test('a truncate names every relation and its options', () => {
  const decoded = decoderWith(['id']).decode(message('T', u32(1), u8(3), u32(OID)));
  expect(decoded).toMatchObject({ kind: 'truncate', cascade: true, restartIdentity: true });
});

test('a relation sent again replaces the former for later rows only', () => {
  const decoder = decoderWith(['id']);
  const insert = (cells: string[]): Buffer => message('I', u32(OID), Buffer.from('N'), row(cells));
  const before = decoder.decode(insert(['1']));
  decoder.decode(relation(['id', 'added']));
  const after = decoder.decode(insert(['2', 'x']));
  expect(before).toMatchObject({ relation: { columns: [{ name: 'id' }] } });
  expect(after).toMatchObject({ relation: { columns: [{ name: 'id' }, { name: 'added' }] } });
});

test('origin and type messages only inform', () => {
  const decoder = new PgoutputDecoder();
  expect(decoder.decode(message('O', u64(1n), name('elsewhere')))).toBeNull();
  expect(decoder.decode(message('Y', u32(70_000), name('public'), name('mood')))).toBeNull();
});

test('an empty schema name is the server catalogue', () => {
  const decoder = new PgoutputDecoder();
  decoder.decode(relation(['id'], 'd', ''));
  expect(decoder.decode(message('I', u32(OID), Buffer.from('N'), row(['1'])))).toMatchObject({
    relation: { schema: 'pg_catalog' },
  });
});

test.each([
  ['a message of a later protocol', message('S', u32(1), u8(1)), 'unknown message'],
  ['a logical message', message('M', u8(0)), 'unknown message'],
  ['an undescribed relation', message('I', u32(9), Buffer.from('N')), 'relation 9'],
  ['bytes left over', message('C', u8(0), u64(1n), u64(2n), u64(3n), u8(1)), 'bytes behind'],
  ['an empty message', Buffer.alloc(0), 'cut short'],
])('%s is a failure, not a throw, and the decoder stays failed', (_what, bytes, reason) => {
  const decoder = new PgoutputDecoder();
  const failure = decoder.decode(bytes);
  expect(failure).toMatchObject({ kind: 'failure', reason: expect.stringContaining(reason) });
  expect(decoder.decode(message('B', u64(1n), u64(0n), u32(1)))).toBe(failure);
});

const cell = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constant(null),
  fc.constant<Cell>(UNCHANGED),
);

test('rows survive the overwriting of the buffer they came in', () => {
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 20 }), fc.nat(32), (cells, offset) => {
      const decoder = decoderWith(cells.map((_, index) => `c${index}`));
      const bytes = message('I', u32(OID), Buffer.from('N'), row(cells));
      // The parser of the socket hands out slices of a buffer that it compacts in place.
      const pool = Buffer.alloc(bytes.length + offset + 7, 0xee);
      bytes.copy(pool, offset);
      const decoded = decoder.decode(pool.subarray(offset, offset + bytes.length));
      pool.fill(0xff);
      expect(decoded).toMatchObject({ kind: 'insert', row: cells });
    }),
  );
});

test('every cut of a message is a failure and never a throw', () => {
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 6 }), fc.nat(), (cells, cut) => {
      const decoder = decoderWith(cells.map((_, index) => `c${index}`));
      const bytes = message('U', u32(OID), Buffer.from('N'), row(cells));
      const decoded = decoder.decode(bytes.subarray(0, cut % bytes.length));
      expect(decoded).toMatchObject({ kind: 'failure' });
    }),
  );
});

test('arbitrary bytes never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => decoderWith(['id', 'body']).decode(Buffer.from(bytes))).not.toThrow();
    }),
    { numRuns: 2_000 },
  );
});
