import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { findLeak, findLeaks, resolve } from '../leaks/leaks.js';
import type { Runtimes } from '../runtime.js';
import { once } from './idempotency.js';
import { ItemPath, OPERATOR, PairPath, VIEWER } from './paths.js';
import { operationView } from './views.js';

const Resolution = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 500 }) },
  { additionalProperties: false },
);
const Which = Type.Object({ all: Type.Optional(Type.Boolean()) });

/** Writes found on a side that was closed, and a person's word that each is dealt with. */
export function installLeaks(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const tags = ['leaks'];

  api.get(
    '/v1/pairs/:pair/leaks',
    { ...VIEWER, schema: { tags, params: PairPath, querystring: Which } },
    async (request) => {
      const { context } = runtimes.of(request.params.pair);
      const pair = context.pair.name;
      const leaks = await findLeaks(context, request.query.all === true);
      const open = leaks.find(({ resolved_at: at }) => at === null);
      const command = `turnout leaks resolve ${pair} ${open?.id ?? ''} --reason "..."`;
      return {
        schema: 'turnout.leaks/v1',
        pair,
        leaks,
        next_steps: open ? [{ command, why: 'When what it wrote is dealt with.' }] : [],
      };
    },
  );

  api.get(
    '/v1/pairs/:pair/leaks/:id',
    { ...VIEWER, schema: { tags, params: ItemPath } },
    async (request) => {
      const { context } = runtimes.of(request.params.pair);
      const leak = await findLeak(context, request.params.id);
      return { schema: 'turnout.leak/v1', pair: context.pair.name, ...leak, next_steps: [] };
    },
  );

  api.post(
    '/v1/pairs/:pair/leaks/:id/resolve',
    { ...OPERATOR, schema: { tags, params: ItemPath, body: Resolution } },
    (request, reply) => {
      const { context } = runtimes.of(request.params.pair);
      return once(context.store, request, reply, async () => {
        const { actor, body, params } = request;
        await resolve(context, params.id, { reason: body.reason, actor });
        const command = `turnout leaks list ${context.pair.name}`;
        const next = { command, why: 'See whether others are open.' };
        return { status: 200, body: operationView(context.pair.name, 'leak', 'done', [next]) };
      });
    },
  );
}
