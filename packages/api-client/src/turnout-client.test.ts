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

test('what needs a person is asked for at its own address, with its words', async () => {
  const seen: string[] = [];
  const client = await clientOf((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${body}`.trim());
      response.end('{}');
    });
  });
  await client.leaks('shop', false);
  await client.leaks('shop', true);
  await client.leak('shop', 'forward-0-16B3740');
  await client.resolveLeak('shop', 'forward-0-16B3740', 'copied by hand');
  await client.act('shop', 'cleanup');
  await client.act('shop', 'adopt');
  await client.settleSwitchover('shop');
  await client.forceOpen('shop', { side: 'green', i_have_isolated_the_other: true });
  await client.cancelSwitchover('shop');
  expect(seen).toEqual([
    'GET /v1/pairs/shop/leaks',
    'GET /v1/pairs/shop/leaks?all=true',
    'GET /v1/pairs/shop/leaks/forward-0-16B3740',
    'POST /v1/pairs/shop/leaks/forward-0-16B3740/resolve {"reason":"copied by hand"}',
    'POST /v1/pairs/shop/cleanup',
    'POST /v1/pairs/shop/adopt',
    'POST /v1/pairs/shop/switchovers/current/settle',
    'POST /v1/pairs/shop/force-open {"side":"green","i_have_isolated_the_other":true}',
    'DELETE /v1/pairs/shop/switchovers/current',
  ]);
});

test('a request with a limit of its own may last longer than the others', async () => {
  const client = await clientOf((_, response) => {
    setTimeout(() => response.end('{"outcome":"undone"}'), 120).unref();
  }, 40);
  await expect(client.settleSwitchover('shop')).rejects.toMatchObject({ code: 'TRN7007' });
  expect(await client.cancelSwitchover('shop')).toMatchObject({ outcome: 'undone' });
});
