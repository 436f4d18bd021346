import { fail } from '@turnout/contracts/errors';
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { planView } from '../plan/plan-view.js';
import type { Desks } from './desks.js';
import { ItemPath, PairPath, VIEWER } from './paths.js';
import { switchoverView } from './views.js';

/** Plans, and switches with their steps and certificate. */
export function installSwitchovers(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  api.get(
    '/v1/pairs/:pair/plans',
    {
      ...VIEWER,
      schema: {
        tags: ['switchovers'],
        params: PairPath,
        querystring: Type.Object({ to: Type.Union([Type.Literal('blue'), Type.Literal('green')]) }),
      },
    },
    async (request) => planView(desks.of(request.params.pair).context, request.query.to),
  );

  api.get(
    '/v1/pairs/:pair/switchovers',
    { ...VIEWER, schema: { tags: ['switchovers'], params: PairPath } },
    async (request) => {
      const { context } = desks.of(request.params.pair);
      const rows = await context.store.switchovers.list(context.pair.name);
      return {
        schema: 'turnout.switchovers/v1',
        pair: context.pair.name,
        switchovers: rows.map(switchoverView),
        next_steps: [],
      };
    },
  );

  api.get(
    '/v1/pairs/:pair/switchovers/:id',
    { ...VIEWER, schema: { tags: ['switchovers'], params: ItemPath } },
    async (request) => {
      const { context } = desks.of(request.params.pair);
      const { switchovers } = context.store;
      const { id } = request.params;
      const row =
        id === 'last' ? await switchovers.last(context.pair.name) : await switchovers.get(id);
      if (!row || row.pair !== context.pair.name) throw fail('switchover_unknown', { id });
      return switchoverView(row);
    },
  );
}
