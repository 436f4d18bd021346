import type { FastifyInstance } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Desks } from './desks.js';
import { PairPath, VIEWER } from './paths.js';
import { statusView } from './status-view.js';

/** Every pair in a line, and one on one screen. */
export function installPairs(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  api.get('/v1/pairs', { ...VIEWER, schema: { tags: ['pairs'] } }, async () => ({
    schema: 'turnout.pairs/v1',
    pairs: await Promise.all(
      desks.all().map(async (each) => {
        const row = await each.row();
        return { pair: row.pair, phase: row.phase, writable: row.writableSide };
      }),
    ),
    next_steps: [{ command: 'turnout status PAIR', why: 'One pair on one screen.' }],
  }));

  api.get(
    '/v1/pairs/:pair',
    { ...VIEWER, schema: { tags: ['pairs'], params: PairPath } },
    async (request, reply) => {
      const each = desks.of(request.params.pair);
      const row = await each.row();
      return reply.header('etag', `"${row.revision}"`).send(await statusView(each.context, row));
    },
  );
}
