import { fail } from '@turnout/contracts/errors';
import { isSide } from '@turnout/core/sides';
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Runtimes } from '../runtime.js';

export interface ProbeSources {
  /** The loop went round recently; asks no database. */
  alive(): { readonly ok: boolean; readonly reason: string | null };
  /** Whatever a request needs answers. */
  ready(): Promise<{ readonly ok: boolean; readonly reason: string | null }>;
  metrics(): Promise<string>;
}

const WritablePath = Type.Object({ pair: Type.String(), side: Type.String() });

/** For machines: liveness, readiness, metrics, and whether a side takes writes; none needs a token. */
export function installProbes(
  app: FastifyInstance,
  runtimes: Runtimes,
  { alive, ready, metrics }: ProbeSources,
): void {
  const schema = { tags: ['probes'] };
  app.get('/livez', { schema }, async (_request, reply) => {
    const state = alive();
    return reply.code(state.ok ? 200 : 503).send(state);
  });
  app.get('/readyz', { schema }, async (_request, reply) => {
    const state = await ready();
    return reply.code(state.ok ? 200 : 503).send(state);
  });
  app.get('/metrics', { schema }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4').send(await metrics()),
  );
  for (const method of ['GET', 'HEAD'] as const) {
    app.withTypeProvider<TypeBoxTypeProvider>().route({
      method,
      url: '/v1/pairs/:pair/writable/:side',
      exposeHeadRoute: false,
      schema: { tags: ['traffic'], params: WritablePath },
      // Made for load balancers: a code, no body to parse; answered from memory, whatever hangs.
      handler: async (request, reply) => {
        const { pair, side } = request.params;
        if (!isSide(side)) throw fail('request_invalid', { side });
        const open = runtimes.of(pair).writable(side);
        return reply.code(open === true ? 200 : 503).send();
      },
    });
  }
}
