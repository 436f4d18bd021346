import fastify from 'fastify';
import type { Metrics } from './metrics.js';
import type { Service } from './service.js';

export interface ProbeServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly services: readonly Service[];
  /** Resolves when what requests need answers. */
  readonly ready?: (() => Promise<unknown>) | undefined;
}

export interface ProbeServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `/livez`, `/readyz` and `/metrics` without a token, on an address of their own. */
export async function startProbeServer({
  host,
  port,
  metrics,
  services,
  ready,
}: ProbeServerOptions): Promise<ProbeServer> {
  const app = fastify({ logger: false, forceCloseConnections: true });
  const unwell = (): { service: string; reason: string | null }[] =>
    services.flatMap((service) => {
      const { ok, reason } = service.health();
      return ok ? [] : [{ service: service.id, reason }];
    });
  app.get('/livez', async (_request, reply) => {
    const reasons = unwell();
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ok: reasons.length === 0, reasons });
  });
  app.get('/readyz', async (_request, reply) => {
    const reasons = unwell();
    await ready?.().catch(() => reasons.push({ service: 'store', reason: 'does not answer' }));
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ok: reasons.length === 0, reasons });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  await app.listen({ host, port });
  const address = app.server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () => app.close(),
  };
}
