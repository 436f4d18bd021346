import { connect } from 'node:net';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mustSkip } from './availability.js';
import { redisMissing, startRedis } from './redis.js';

async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const answer = once(socket, 'data');
  socket.write(`${command}\r\n`);
  const text = String((await answer)[0]);
  socket.destroy();
  return text.trim();
}

test.skipIf(await mustSkip(redisMissing))('Redis answers and forgets all in a crash', async () => {
  await using redis = await startRedis();
  expect(await ask(redis.port, 'set route green')).toBe('+OK');
  await redis.crash();
  await expect(ask(redis.port, 'ping')).rejects.toThrow(/ECONNREFUSED/);
  await redis.start();
  expect(await ask(redis.port, 'get route')).toBe('$-1');
  expect(existsSync('dump.rdb')).toBe(false);
});
