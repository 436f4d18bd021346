import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '@turnout/contracts/errors';
import { isSide, otherSide } from '@turnout/core/sides';
import { evaluateGates } from '@turnout/machine/gates';
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { readFacts } from '../gates/read-facts.js';
import { withSideSessions } from '../pairs/side-sessions.js';
import { planView } from '../plan/plan-view.js';
import type { Desk, Desks } from './desks.js';
import { nextSteps, statusView } from './status-view.js';
import { checkView, eventView, switchoverView } from './views.js';
import { wantsStream, sendStream } from './event-stream.js';

const PairPath = Type.Object({ pair: Type.String() });
const ItemPath = Type.Object({ pair: Type.String(), id: Type.String() });
const EVENTS_LIMIT = 500;

/** The writable answer is made for load balancers: a code, no body to parse. */
async function answerWritable(
  desk: Desk,
  side: string,
  reply: FastifyReply,
): Promise<FastifyReply> {
  if (!isSide(side)) throw fail('TRN7005', { side });
  const open = await desk.sides.isWritable(side);
  return reply.code(open ? 200 : 503).send();
}

export function installReading(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const viewer = { config: { role: 'viewer' } } as const;
  const desk = (request: FastifyRequest): Desk =>
    desks.of((request.params as { pair: string }).pair);

  api.get('/v1/pairs', { ...viewer, schema: { tags: ['pairs'] } }, async () => ({
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
    { ...viewer, schema: { tags: ['pairs'], params: PairPath } },
    async (request, reply) => {
      const each = desk(request);
      const row = await each.row();
      return reply.header('etag', `"${row.revision}"`).send(await statusView(each.context, row));
    },
  );

  api.get(
    '/v1/pairs/:pair/tables',
    { ...viewer, schema: { tags: ['pairs'], params: PairPath } },
    async (request) => {
      const each = desk(request);
      const row = await each.row();
      const link = await each.context.store.links.get(row.pair, 'forward');
      const check = await each.context.store.checks.last(row.pair, 'full');
      return {
        schema: 'turnout.tables/v1',
        pair: row.pair,
        copied: link?.observed?.tables ?? null,
        verified: check?.tables ?? null,
        next_steps: nextSteps(row),
      };
    },
  );

  api.get(
    '/v1/pairs/:pair/lag',
    { ...viewer, schema: { tags: ['pairs'], params: PairPath } },
    async (request) => {
      const each = desk(request);
      const { pair } = await each.row();
      const { lag } = each.context.store;
      return {
        schema: 'turnout.lag/v1',
        pair,
        forward: await lag.get(pair, 'forward'),
        reverse: await lag.get(pair, 'reverse'),
        samples: [...(await lag.recent(pair, 'forward')), ...(await lag.recent(pair, 'reverse'))],
        next_steps: [],
      };
    },
  );

  api.get(
    '/v1/pairs/:pair/gates',
    { ...viewer, schema: { tags: ['pairs'], params: PairPath } },
    async (request) => {
      const { context, row } = { context: desk(request).context, row: await desk(request).row() };
      const { pair, store, routes, clock } = context;
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

  api.get(
    '/v1/pairs/:pair/plans',
    {
      ...viewer,
      schema: {
        tags: ['switchovers'],
        params: PairPath,
        querystring: Type.Object({ to: Type.Union([Type.Literal('blue'), Type.Literal('green')]) }),
      },
    },
    async (request) => planView(desk(request).context, request.query.to),
  );

  api.get(
    '/v1/pairs/:pair/checks',
    { ...viewer, schema: { tags: ['checks'], params: PairPath } },
    async (request) => {
      const each = desk(request);
      const { pair } = await each.row();
      const checks = await each.context.store.checks.list(pair);
      return { schema: 'turnout.checks/v1', pair, checks: checks.map(checkView), next_steps: [] };
    },
  );

  api.get(
    '/v1/pairs/:pair/checks/:id',
    { ...viewer, schema: { tags: ['checks'], params: ItemPath } },
    async (request) => {
      const each = desk(request);
      const { pair } = await each.row();
      const { checks } = each.context.store;
      const { id } = request.params;
      const row = id === 'last' ? await checks.last(pair) : await checks.get(id);
      if (!row || row.pair !== pair) throw fail('TRN4004', { id });
      return checkView(row);
    },
  );

  installSwitchoverReading(app, desks);
}

function installSwitchoverReading(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const viewer = { config: { role: 'viewer' } } as const;

  api.get(
    '/v1/pairs/:pair/switchovers',
    { ...viewer, schema: { tags: ['switchovers'], params: PairPath } },
    async (request) => {
      const { context } = desks.of(request.params.pair);
      const rows = await context.store.switchovers.list(context.pair.pair);
      return {
        schema: 'turnout.switchovers/v1',
        pair: context.pair.pair,
        switchovers: rows.map(switchoverView),
        next_steps: [],
      };
    },
  );

  api.get(
    '/v1/pairs/:pair/switchovers/:id',
    { ...viewer, schema: { tags: ['switchovers'], params: ItemPath } },
    async (request) => {
      const { context } = desks.of(request.params.pair);
      const { switchovers } = context.store;
      const { id } = request.params;
      const row =
        id === 'last' ? await switchovers.last(context.pair.pair) : await switchovers.get(id);
      if (!row || row.pair !== context.pair.pair) throw fail('TRN5017', { id });
      return switchoverView(row);
    },
  );

  api.get(
    '/v1/pairs/:pair/events',
    {
      ...viewer,
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
