import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Desks } from './desks.js';
import { sendStream, wantsStream } from './event-stream.js';
import { PairPath, VIEWER } from './paths.js';
import { eventView } from './views.js';

const EVENTS_LIMIT = 500;

/** The journal, as a list or as it grows. */
export function installEvents(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  api.get(
    '/v1/pairs/:pair/events',
    {
      ...VIEWER,
      schema: {
        tags: ['events'],
        params: PairPath,
        querystring: Type.Object({
          since: Type.Optional(Type.Integer({ minimum: 0 })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: EVENTS_LIMIT })),
        }),
      },
    },
    async (request, reply) => {
      const each = desks.of(request.params.pair);
      const row = await each.row();
      const { since = 0, limit = EVENTS_LIMIT } = request.query;
      if (wantsStream(request)) return sendStream(each, request, reply, since);
      const events = await each.context.store.journal.read(row.pair, {
        afterRevision: since,
        limit,
      });
      return {
        schema: 'turnout.events/v1',
        pair: row.pair,
        events: events.map(eventView),
        next_steps: [],
      };
    },
  );
}
