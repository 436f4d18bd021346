import { expect, test } from 'vitest';
import { writableSide, type SideAnswer } from './writable-side.js';

const open = (fenceEpoch = 1n): SideAnswer => ({ kind: 'open', fenceEpoch });
const closed = (fenceEpoch = 1n): SideAnswer => ({ kind: 'closed', fenceEpoch });
const absent: SideAnswer = { kind: 'absent' };
const unknown: SideAnswer = { kind: 'unknown', error: new Error('connection refused') };
const nothing = { last: null, hint: null };

test('the open side is the one, whatever the other says', () => {
  for (const other of [closed(), absent, unknown]) {
    expect(writableSide({ blue: open(), green: other }, nothing)).toBe('blue');
    expect(writableSide({ blue: other, green: open() }, nothing)).toBe('green');
  }
});

test('two open answers were read around a switch: the later fence is the truth', () => {
  expect(writableSide({ blue: open(3n), green: open(4n) }, nothing)).toBe('green');
  expect(writableSide({ blue: open(5n), green: open(4n) }, nothing)).toBe('blue');
});

test('between the two commits no side is open, and none is guessed', () => {
  expect(
    writableSide({ blue: closed(), green: closed() }, { last: 'blue', hint: 'blue' }),
  ).toBeNull();
});

test('without Turnout on either side it is blue, unless green was in use before `complete`', () => {
  expect(writableSide({ blue: absent, green: absent }, nothing)).toBe('blue');
  expect(writableSide({ blue: absent, green: absent }, { last: 'green', hint: null })).toBe(
    'green',
  );
  expect(writableSide({ blue: absent, green: absent }, { last: null, hint: 'green' })).toBe(
    'green',
  );
});

test('a side that cannot be asked is never taken to be open', () => {
  expect(writableSide({ blue: unknown, green: closed() }, nothing)).toBeNull();
  expect(writableSide({ blue: closed(), green: unknown }, nothing)).toBeNull();
});

test('a closed blue beside a green without Turnout does not make green writable by guess', () => {
  expect(writableSide({ blue: closed(), green: absent }, nothing)).toBeNull();
  expect(writableSide({ blue: closed(), green: absent }, { last: 'green', hint: null })).toBe(
    'green',
  );
});
