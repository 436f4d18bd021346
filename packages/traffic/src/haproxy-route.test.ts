import { expect, test } from 'vitest';
import { isReady } from './haproxy-route.js';

const TABLE = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
3 shop 1 srv_blue 10.0.0.1 0 1 1
3 shop 2 srv_green 10.0.0.2 2 0 1
3 shop 3 srv_draining 10.0.0.3 2 8 1
3 shop 4 srv_enabled 10.0.0.4 2 4 1
`;

test('a server is ready when nobody has put it aside', () => {
  expect(isReady(TABLE, 'srv_green')).toBe(true);
  expect(isReady(TABLE, 'srv_enabled')).toBe(true);
  expect(isReady(TABLE, 'srv_blue')).toBe(false);
  expect(isReady(TABLE, 'srv_draining')).toBe(false);
  expect(isReady(TABLE, 'srv_other')).toBe(false);
  expect(isReady('Permission denied', 'srv_green')).toBe(false);
});
