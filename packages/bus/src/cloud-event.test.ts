import { makeEvent } from '@turnout/contracts/events';
import { expect, test } from 'vitest';
import { decodeEvent, encodeEvent } from './cloud-event.js';

const event = makeEvent({
  type: 'turnout.lag.measured.v1',
  pair: 'shop',
  sequence: 7,
  data: { lag_bytes: null },
  time: '2026-01-01T00:00:00.000Z',
  source: '/turnout/lag-monitor',
});

test('binary mode keeps every attribute, and the key keeps a pair on one partition', () => {
  const message = encodeEvent(event);
  expect(message.key).toBe('shop');
  expect(message.headers).toMatchObject({ ce_specversion: '1.0', ce_sequence: '7' });
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, Buffer.from(value)]),
  );
  expect(decodeEvent({ value: Buffer.from(message.value), headers })).toEqual(event);
});

test('messages of others are not taken for events', () => {
  const { headers } = encodeEvent(event);
  expect(decodeEvent({ value: 'x' })).toBeNull();
  expect(decodeEvent({ value: '{', headers: { ...headers } })).toBeNull();
  expect(decodeEvent({ value: '{}', headers: { ...headers, ce_specversion: '0.3' } })).toBeNull();
});
