import { fail } from '@turnout/contracts/errors';
import type { FastifyInstance } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Desks } from './desks.js';
import { ItemPath, PairPath, VIEWER } from './paths.js';
import { checkView } from './views.js';

/** Checks and their outcome. */
export function installChecks(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  api.get(
    '/v1/pairs/:pair/checks',
    { ...VIEWER, schema: { tags: ['checks'], params: PairPath } },
    async (request) => {
      const each = desks.of(request.params.pair);
      const { pair } = await each.row();
      const checks = await each.context.store.checks.list(pair);
      return { schema: 'turnout.checks/v1', pair, checks: checks.map(checkView), next_steps: [] };
    },
  );

  api.get(
    '/v1/pairs/:pair/checks/:id',
    { ...VIEWER, schema: { tags: ['checks'], params: ItemPath } },
    async (request) => {
      const each = desks.of(request.params.pair);
      const { pair } = await each.row();
      const { checks } = each.context.store;
      const { id } = request.params;
      const row = id === 'last' ? await checks.last(pair) : await checks.get(id);
      if (!row || row.pair !== pair) throw fail('check_unknown', { id });
      return checkView(row);
    },
  );
}
