import type { FastifyInstance } from 'fastify';

export interface ProbeSources {
  /** The loop went round recently; asks no database. */
  alive(): { readonly ok: boolean; readonly reason: string | null };
  /** Whatever a request needs answers. */
  ready(): Promise<{ readonly ok: boolean; readonly reason: string | null }>;
  metrics(): Promise<string>;
}

export function installProbes(app: FastifyInstance, probes: ProbeSources): void {
  app.get('/livez', { schema: { tags: ['probes'] } }, async (_request, reply) => {
    const state = probes.alive();
    return reply.code(state.ok ? 200 : 503).send(state);
  });
  app.get('/readyz', { schema: { tags: ['probes'] } }, async (_request, reply) => {
    const state = await probes.ready();
    return reply.code(state.ok ? 200 : 503).send(state);
  });
  app.get('/metrics', { schema: { tags: ['probes'] } }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4').send(await probes.metrics()),
  );
}
