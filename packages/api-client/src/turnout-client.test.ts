import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Secret } from '@turnout/core/secret';
import { TurnoutClient } from './turnout-client.js';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function clientOf(listener: RequestListener, timeoutMs = 2_000): Promise<TurnoutClient> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const token = new Secret('t0ken');
  return new TurnoutClient({ baseUrl: `http://127.0.0.1:${port}`, token, timeoutMs });
}

test('a mutation carries the token, its body and an idempotency key', async () => {
  let seen: unknown;
  const client = await clientOf((request, response) => {
    const { authorization, 'idempotency-key': key } = request.headers;
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      seen = { method: request.method, url: request.url, authorization, key: typeof key, body };
      response.writeHead(202).end('{"id":"1"}');
    });
  });
  await client.switchOver('shop', { to: 'green' });
  expect(seen).toEqual({
    method: 'POST',
    url: '/v1/pairs/shop/switchovers',
    authorization: 'Bearer t0ken',
    key: 'string',
    body: '{"to":"green"}',
  });
});

test('a problem becomes the error of its code, with what was observed and the exit code', async () => {
  const client = await clientOf((_, response) => {
    response.writeHead(404, { 'content-type': 'application/problem+json' });
    response.end('{"code":"TRN5001","remedy":"Look.","observed":{"pair":"nope"}}');
  });
  await expect(client.status('nope')).rejects.toMatchObject({
    code: 'TRN5001',
    entry: { exit: 4, remedy: 'Look.' },
    facts: { pair: 'nope' },
  });
});

test('an API that is not there, and one that never answers, are both unreachable', async () => {
  const absent = new TurnoutClient({ baseUrl: 'http://127.0.0.1:1' });
  await expect(absent.pairs()).rejects.toMatchObject({ code: 'TRN7007', entry: { exit: 8 } });
  const silent = await clientOf(() => undefined, 50);
  await expect(silent.pairs()).rejects.toMatchObject({ code: 'TRN7007' });
});

test('following survives a lost connection and asks for what comes after the last id', async () => {
  const asked: (string | undefined)[] = [];
  const client = await clientOf((request, response) => {
    asked.push(request.headers['last-event-id']?.toString());
    const revision = asked.length;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`id: ${revision}\ndata: {"revision":${revision}}\n\n`);
  });
  const stop = new AbortController();
  const revisions: number[] = [];
  for await (const event of client.follow('shop', stop.signal)) {
    revisions.push(event.revision);
    if (revisions.length === 2) stop.abort();
  }
  expect(revisions).toEqual([1, 2]);
  expect(asked.slice(0, 2)).toEqual([undefined, '1']);
});
