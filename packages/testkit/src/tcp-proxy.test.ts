import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startProxy, type TcpProxy } from './tcp-proxy.js';

let proxy: TcpProxy;
let endings: (() => unknown)[];

let heard: string;

/** Starts a server that hands every connection to `serve`; its port. */
async function listen(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  endings.push(() => server.close());
  return address.port;
}

/** Answers everything it is told, and remembers it. */
beforeEach(async () => {
  endings = [];
  heard = '';
  const port = await listen((socket) => {
    socket.on('data', (chunk) => (heard += String(chunk)));
    socket.pipe(socket);
  });
  proxy = await startProxy({ targetPort: port });
  endings.unshift(() => proxy[Symbol.asyncDispose]());
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

test('a muted connection delivers what clients say and holds the answers', async () => {
  const socket = await dial();
  await echo(socket, 'x');
  proxy.mute();
  const answer = once(socket, 'data');
  socket.write('said');
  await expect.poll(() => heard).toBe('xsaid');
  expect(socket.bytesRead).toBe(1);
  expect(socket.destroyed).toBe(false);
  proxy.heal();
  expect(String((await answer)[0])).toBe('said');
});

test('another target resets what is open and serves what comes', async () => {
  const open = await dial();
  await echo(open, 'x');
  const failure = once(open, 'error');
  proxy.retarget(await listen((socket) => socket.on('data', () => socket.write('other'))));
  await failure;
  expect(await echo(await dial(), 'hello')).toBe('other');
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
