import { otherSide } from '@turnout/core/sides';
import { evaluateGates } from '@turnout/machine/gates';
import type { FastifyInstance } from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { readFacts } from '../gates/read-facts.js';
import { withSideSessions } from '../pairs/side-sessions.js';
import type { Desks } from './desks.js';
import { PairPath, VIEWER } from './paths.js';
import { nextSteps } from './status-view.js';
import { checkTableView, lagView } from './views.js';

/** How far a pair has come: tables, lag, gates. */
export function installProgress(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  api.get(
    '/v1/pairs/:pair/tables',
    { ...VIEWER, schema: { tags: ['pairs'], params: PairPath } },
    async (request) => {
      const each = desks.of(request.params.pair);
      const row = await each.row();
      const link = await each.context.store.links.get(row.pair, 'forward');
      const check = await each.context.store.checks.last(row.pair, 'full');
      return {
        schema: 'turnout.tables/v1',
        pair: row.pair,
        copied: link?.observed?.tables ?? null,
        verified: check?.tables.map(checkTableView) ?? null,
        next_steps: nextSteps(row),
      };
    },
  );

  api.get(
    '/v1/pairs/:pair/lag',
    { ...VIEWER, schema: { tags: ['pairs'], params: PairPath } },
    async (request) => {
      const each = desks.of(request.params.pair);
      const { pair } = await each.row();
      const { lag } = each.context.store;
      const forward = await lag.recent(pair, 'forward');
      const reverse = await lag.recent(pair, 'reverse');
      return {
        schema: 'turnout.lag/v1',
        pair,
        forward: forward[0] ? lagView(forward[0]) : null,
        reverse: reverse[0] ? lagView(reverse[0]) : null,
        samples: [...forward, ...reverse].map(lagView),
        next_steps: [],
      };
    },
  );

  api.get(
    '/v1/pairs/:pair/gates',
    { ...VIEWER, schema: { tags: ['pairs'], params: PairPath } },
    async (request) => {
      const each = desks.of(request.params.pair);
      const row = await each.row();
      const { pair, store, routes, clock } = each.context;
      const from = row.writableSide;
      const facts = await withSideSessions(pair, (control) =>
        readFacts({ pair, store, routes, control, from, nowMs: clock.nowMs() }),
      );
      return {
        schema: 'turnout.gates/v1',
        pair: row.pair,
        to: otherSide(from),
        gates: evaluateGates(facts, pair.gates),
        next_steps: nextSteps(row),
      };
    },
  );
}
