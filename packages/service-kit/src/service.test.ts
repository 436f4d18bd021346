import { PassThrough } from 'node:stream';
import { fail } from '@turnout/contracts/errors';
import { deferred } from '@turnout/core/waiting';
import { expect, test } from 'vitest';
import { createLogger } from './logger.js';
import { createMetrics } from './metrics.js';
import { startProbeServer } from './probe-server.js';
import { runServices, type Service } from './service.js';

const lines = (): { stream: PassThrough; text(): string } => {
  const stream = new PassThrough();
  return { stream, text: () => String(stream.read() ?? '') };
};
const quiet = createLogger({ level: 'silent', service: 'test' });

function service(id: string, part: Partial<Service>): Service {
  return {
    id,
    run: (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    drain: async () => undefined,
    health: () => ({ ok: true, reason: null }),
    ...part,
  };
}

test('a service that fails is run again, and all drain before any stops', async () => {
  const order: string[] = [];
  const again = deferred();
  let runs = 0;
  const failing = service('a', {
    run: async (signal) => {
      runs += 1;
      if (runs === 1) throw new Error('once');
      again.resolve();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      order.push('a stopped');
    },
    drain: async () => void order.push('a drained'),
  });
  const other = service('b', { drain: async () => void order.push('b drained') });
  const stop = new AbortController();
  const running = runServices([failing, other], { signal: stop.signal, logger: quiet });
  await again.promise;
  stop.abort();
  await running;
  expect(order).toEqual(['a drained', 'b drained', 'a stopped']);
});

test('a gauge of unknown value is absent, also after it was known', async () => {
  const metrics = createMetrics();
  const labels = { pair: 'shop', direction: 'forward' };
  expect(await metrics.registry.metrics()).not.toMatch(/^turnout_slot_retained_bytes/m);
  metrics.set('slot_retained_bytes', labels, 5);
  expect(await metrics.registry.metrics()).toMatch(/^turnout_slot_retained_bytes\{.*\} 5$/m);
  metrics.set('slot_retained_bytes', labels, null);
  expect(await metrics.registry.metrics()).not.toMatch(/^turnout_slot_retained_bytes/m);
  metrics.count('switchovers_total', { outcome: 'committed' });
  expect(await metrics.registry.metrics()).toContain('switchovers_total{outcome="committed"} 1');
});

test('neither secrets nor what a server quotes reach the log', () => {
  const { stream, text } = lines();
  const logger = createLogger({ level: 'info', service: 'test', destination: stream });
  const fromServer = Object.assign(new Error('invalid input: "cell value"'), {
    code: '22P02',
    severity: 'ERROR',
    detail: 'cell value',
  });
  logger.info({ password: 'hunter2', side: { url: 'postgres://u:hunter2@h' } }, 'connected');
  logger.warn({ err: fail('postgres_unreachable', { host: 'h' }, fromServer) }, 'lost');
  const written = text();
  expect(written).not.toMatch(/hunter2|cell value/);
  expect(written).toContain('"code":"TRN2001"');
  expect(written).toContain('22P02');
});

test('probes say which service is unwell', async () => {
  const ill = service('b', { health: () => ({ ok: false, reason: 'stuck' }) });
  const metrics = createMetrics();
  metrics.set('build_info', { version: '1' }, 1);
  const server = await startProbeServer({ host: '127.0.0.1', port: 0, metrics, services: [ill] });
  const get = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);
  const livez = await get('/livez');
  expect(livez.status).toBe(503);
  expect(await livez.json()).toEqual({ ok: false, reasons: [{ service: 'b', reason: 'stuck' }] });
  expect(await (await get('/metrics')).text()).toContain('turnout_build_info{version="1"} 1');
  await server.close();
});
