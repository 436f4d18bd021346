import { fail } from '@turnout/contracts/errors';
import { isSide } from '@turnout/core/sides';
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Desk, Desks } from './desks.js';

/** The writable answer is made for load balancers: a code, no body to parse. */
async function answerWritable(
  desk: Desk,
  side: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (!isSide(side)) throw fail('request_invalid', { side });
  const open = await desk.sides.isWritable(side);
  return reply.code(open ? 200 : 503).send();
}

/** Whether a side takes writes, for load balancers; needs no token. */
export function installWritable(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  for (const method of ['GET', 'HEAD'] as const) {
    api.route({
      method,
      url: '/v1/pairs/:pair/writable/:side',
      exposeHeadRoute: false,
      schema: {
        tags: ['traffic'],
        params: Type.Object({ pair: Type.String(), side: Type.String() }),
      },
      handler: (request, reply) =>
        answerWritable(desks.of(request.params.pair), request.params.side, reply),
    });
  }
}
