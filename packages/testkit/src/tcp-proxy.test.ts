import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startProxy, type TcpProxy } from './tcp-proxy.js';

let proxy: TcpProxy;
let endings: (() => unknown)[];

/** Answers everything it is told. */
beforeEach(async () => {
  endings = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  proxy = await startProxy({ targetPort: address.port });
  endings.push(
    () => proxy[Symbol.asyncDispose](),
    () => server.close(),
  );
});

afterEach(async () => {
  for (const end of endings) await end();
});

async function dial(): Promise<Socket> {
  const socket = connect(proxy.port, '127.0.0.1');
  await once(socket, 'connect');
  endings.unshift(() => socket.destroy());
  return socket;
}

async function echo(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data');
  socket.write(text);
  return String((await answer)[0]);
}

test('a healthy proxy is not noticed', async () => {
  expect(await echo(await dial(), 'hello')).toBe('hello');
});

test('a cut resets what is open and refuses what comes, until it heals', async () => {
  const open = await dial();
  await echo(open, 'x');
  const failure = once(open, 'error');
  proxy.cut();
  expect(((await failure)[0] as NodeJS.ErrnoException).code).toBe('ECONNRESET');
  const late = once(connect(proxy.port, '127.0.0.1'), 'close');
  await expect(late).rejects.toThrow(/ECONNRESET/);
  proxy.heal();
  expect(await echo(await dial(), 'again')).toBe('again');
});

test('a stalled connection stays open and silent, then delivers what it held', async () => {
  const socket = await dial();
  await echo(socket, 'x');
  proxy.stall();
  const answer = once(socket, 'data');
  socket.write('held');
  const silence = new Promise((resolve) => setTimeout(() => resolve('silence'), 50));
  expect(await Promise.race([answer, silence])).toBe('silence');
  expect(socket.destroyed).toBe(false);
  proxy.heal();
  expect(String((await answer)[0])).toBe('held');
});

test('a delay holds each direction and keeps the order', async () => {
  const socket = await dial();
  await echo(socket, 'x');
  proxy.delay(40);
  const startMs = performance.now();
  expect(await echo(socket, 'slow')).toBe('slow');
  expect(performance.now() - startMs).toBeGreaterThan(75);
});

test('the end of a client reaches the server', async () => {
  const socket = await dial();
  await echo(socket, 'x');
  const closed = once(socket, 'close');
  socket.end();
  await closed;
  expect(proxy.connections).toBe(0);
});
