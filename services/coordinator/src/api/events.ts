import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Runtimes } from '../runtime.js';
import { sendStream, wantsStream } from './event-stream.js';
import { PairPath, VIEWER } from './paths.js';
import { eventView } from './views.js';

const EVENTS_LIMIT = 500;
const Page = Type.Object({
  since: Type.Optional(Type.Integer({ minimum: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: EVENTS_LIMIT })),
});

/** The journal, as a list or as it grows. */
export function installEvents(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  api.get(
    '/v1/pairs/:pair/events',
    { ...VIEWER, schema: { tags: ['events'], params: PairPath, querystring: Page } },
    async (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      const row = await runtime.row();
      const { since = 0, limit = EVENTS_LIMIT } = request.query;
      if (wantsStream(request)) return sendStream(runtime, request, reply, since);
      const page = { afterRevision: since, limit };
      const events = await runtime.context.store.journal.read(row.pair, page);
      return {
        schema: 'turnout.events/v1',
        pair: row.pair,
        events: events.map(eventView),
        next_steps: [],
      };
    },
  );
}
