import { writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server as NetServer } from 'node:net';
import { join } from 'node:path';
import { waitUntil } from '@turnout/core/waiting';
import { mustSkip } from '@turnout/testkit/availability';
import { findProgram } from '@turnout/testkit/process/program';
import { Server } from '@turnout/testkit/process/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HaproxyRoute } from './haproxy-route.js';

const program = await findProgram('haproxy');
const skip = await mustSkip(async () => (program === null ? 'haproxy is not installed' : null));
const { signal } = new AbortController();
let haproxy: Server;
let sides: NetServer[];
let route: HaproxyRoute;

/** Says its name to whoever connects, and keeps the connection. */
function startSide(name: string): Promise<NetServer> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(name);
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

const portOf = (server: NetServer): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  if (skip) return;
  sides = [await startSide('blue'), await startSide('green')];
  const [blue, green] = sides.map(portOf);
  haproxy = await Server.start({
    name: 'haproxy',
    readyMsMax: 10_000,
    async prepare(directory, port) {
      const file = join(directory, 'haproxy.cfg');
      const lines = [
        `global\n  stats socket ${join(directory, 'admin.sock')} level admin mode 666`,
        'defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s',
        `frontend clients\n  bind 127.0.0.1:${port}\n  default_backend shop`,
        `backend shop\n  server srv_blue 127.0.0.1:${blue}`,
        `  server srv_green 127.0.0.1:${green} disabled`,
      ];
      await writeFile(file, `${lines.join('\n')}\n`);
      return { command: program ?? '', args: ['-db', '-f', file] };
    },
  });
  route = new HaproxyRoute({
    socket: join(haproxy.directory, 'admin.sock'),
    backend: 'shop',
    blue: 'srv_blue',
    green: 'srv_green',
  });
});

afterAll(async () => {
  await haproxy?.[Symbol.asyncDispose]();
  for (const side of sides ?? []) side.close();
});

interface Visit {
  readonly side: string;
  readonly ended: Promise<void>;
  leave(): void;
}

function visit(): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const socket = connect(haproxy.port, '127.0.0.1');
    const ended = new Promise<void>((over) => socket.once('close', () => over()));
    socket.once('error', reject);
    socket.once('data', (data) =>
      resolve({ side: data.toString(), ended, leave: () => socket.destroy() }),
    );
  });
}

test.skipIf(skip)('one server is ready, the other aside, and old sessions are ended', async () => {
  expect((await route.probe({ signal })).routedTo).toBe('blue');
  const old = await visit();
  expect(old.side).toBe('blue');
  await route.point('green', { epoch: 1n, signal });
  await old.ended;
  expect((await route.probe({ signal })).routedTo).toBe('green');
  const fresh = await visit();
  expect(fresh.side).toBe('green');
  fresh.leave();
  await fresh.ended;
});

test.skipIf(skip)('after a restart the route of its file is seen, and repaired', async () => {
  await route.point('green', { epoch: 1n, signal });
  await haproxy.kill();
  expect((await route.probe({ signal })).routedTo).toBe('unknown');
  await expect(route.point('green', { epoch: 1n, signal })).rejects.toMatchObject({
    code: 'TRN5014',
  });
  await haproxy.start();
  // The clients' port listens a moment before the admin socket does.
  const seen = await waitUntil(
    async () => {
      const { routedTo: lead } = await route.probe({ signal });
      return lead === 'unknown' ? undefined : lead;
    },
    { timeoutMs: 5_000, intervalMs: 5, onTimeout: () => new Error('it does not answer') },
  );
  expect(seen).toBe('blue');
  await route.point('green', { epoch: 1n, signal });
  expect((await route.probe({ signal })).routedTo).toBe('green');
});
