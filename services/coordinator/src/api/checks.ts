import { fail } from '@turnout/contracts/errors';
import { otherSide } from '@turnout/core/sides';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Runtimes } from '../runtime.js';
import { expectedRow } from './asking.js';
import { once } from './idempotency.js';
import { ItemPath, OPERATOR, PairPath, VIEWER } from './paths.js';
import { checkView } from './views.js';

const CheckBody = Type.Object(
  { kind: Type.Optional(Type.Union([Type.Literal('full'), Type.Literal('incremental')])) },
  { additionalProperties: false },
);

/** Checks and their outcome. */
export function installChecks(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const tags = ['checks'];

  api.post(
    '/v1/pairs/:pair/checks',
    { ...OPERATOR, schema: { tags, params: PairPath, body: Type.Optional(CheckBody) } },
    (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      const { store } = runtime.context;
      return once(store, request, reply, async () => {
        const row = await expectedRow(runtime, request);
        if (!PHASE_TRAITS[row.phase as Phase].checked) {
          throw fail('phase_mismatch', { phase: row.phase, event: 'check_requested' });
        }
        const source = row.writableSide;
        const params = { source, target: otherSide(source) };
        const id = await store.checks.request(row.pair, request.body?.kind ?? 'full', params);
        const check = await store.checks.get(id);
        if (!check) throw fail('check_unknown', { id });
        return {
          status: 202,
          headers: { location: `/v1/pairs/${row.pair}/checks/${id}` },
          body: checkView(check),
        };
      });
    },
  );

  api.get(
    '/v1/pairs/:pair/checks',
    { ...VIEWER, schema: { tags, params: PairPath } },
    async (request) => {
      const runtime = runtimes.of(request.params.pair);
      const { pair } = await runtime.row();
      const checks = await runtime.context.store.checks.list(pair);
      return { schema: 'turnout.checks/v1', pair, checks: checks.map(checkView), next_steps: [] };
    },
  );

  api.get(
    '/v1/pairs/:pair/checks/:id',
    { ...VIEWER, schema: { tags, params: ItemPath } },
    async (request) => {
      const runtime = runtimes.of(request.params.pair);
      const { pair } = await runtime.row();
      const { checks } = runtime.context.store;
      const { id } = request.params;
      const row = id === 'last' ? await checks.last(pair) : await checks.get(id);
      if (!row || row.pair !== pair) throw fail('check_unknown', { id });
      return checkView(row);
    },
  );
}
