import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebhookRoute } from './webhook-route.js';

let server: Server;
let base: string;
let side: unknown = 'nowhere';
const bodies: unknown[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/hang') return;
    if (request.method === 'GET') return void response.end(JSON.stringify({ side }));
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as { side: unknown };
      bodies.push(body);
      if (request.url === '/route') side = body.side;
      response.writeHead(request.url === '/broken' ? 500 : 204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const { signal } = new AbortController();
const routeTo = (path: string): WebhookRoute =>
  new WebhookRoute({
    pair: 'shop',
    url: `${base}${path}`,
    probeUrl: `${base}/current`,
    timeoutMs: 300,
  });

test('the side is posted and read back', async () => {
  const route = routeTo('/route');
  expect(await route.probe({ signal })).toMatchObject({ routedTo: 'unknown' });
  await route.point('green', { epoch: 4n, signal });
  expect(bodies).toEqual([{ pair: 'shop', side: 'green', epoch: 4 }]);
  expect(await route.probe({ signal })).toEqual({ routedTo: 'green', why: null });
});

test('an error, an answer without effect, and silence are all told', async () => {
  const epoch = 5n;
  await expect(routeTo('/broken').point('green', { epoch, signal })).rejects.toMatchObject({
    facts: { status: 500 },
  });
  await expect(routeTo('/ignored').point('blue', { epoch, signal })).rejects.toMatchObject({
    facts: { wanted: 'blue', observed: 'green', status: 204 },
  });
  await expect(routeTo('/hang').point('blue', { epoch, signal })).rejects.toMatchObject({
    code: 'TRN5014',
  });
});
