import { fail } from '@turnout/contracts/errors';
import { otherSide, type Side } from '@turnout/core/sides';
import type { PairRow } from '@turnout/store/pairs';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { admitStart } from '../pairs/admission.js';
import { advancePair, endPair } from '../pairs/operator.js';
import { retryLink } from '../pairs/link-retry.js';
import { setPaused } from '../pairs/pausing.js';
import { planView } from '../plan/plan-view.js';
import { preflight } from '../preflight/preflight.js';
import type { Desk, Desks } from './desks.js';
import { expectedRevision, once } from './idempotency.js';
import { ADMIN, OPERATOR, PairPath } from './paths.js';
import { operationView } from './views.js';

const SideName = Type.Union([Type.Literal('blue'), Type.Literal('green')]);

const SwitchoverBody = Type.Object(
  {
    to: SideName,
    expect: Type.Optional(
      Type.Object({ source: Type.Optional(SideName), phase: Type.Optional(Type.String()) }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    plan_hash: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

const CheckBody = Type.Object(
  { kind: Type.Optional(Type.Union([Type.Literal('full'), Type.Literal('incremental')])) },
  { additionalProperties: false },
);

export function installActing(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const params = { schema: { params: PairPath } };

  api.post('/v1/pairs/:pair/preflight', { ...OPERATOR, ...params }, async (request) => {
    const { context } = desks.of(request.params.pair);
    const name = context.pair.name;
    const findings = await preflight(context.pair);
    return {
      schema: 'turnout.preflight/v1',
      pair: name,
      findings,
      next_steps: [
        findings.some(({ severity }) => severity === 'critical')
          ? { command: `turnout preflight ${name}`, why: 'Look again when that is mended.' }
          : { command: `turnout start ${name}`, why: 'Begin the copy.' },
      ],
    };
  });

  api.post('/v1/pairs/:pair/start', { ...OPERATOR, ...params }, (request, reply) => {
    const desk = desks.of(request.params.pair);
    const { context } = desk;
    return once(context.store, request, reply, async () => {
      const { actor } = request;
      await admitStart(context, { actor, ...revisionOf(expectedRevision(request)) });
      desk.background('start', (signal) => advancePair(context, actor, signal));
      return accepted(context.pair.name, 'start', `turnout status ${context.pair.name} --watch`);
    });
  });

  api.post(
    '/v1/pairs/:pair/checks',
    { ...OPERATOR, schema: { params: PairPath, body: Type.Optional(CheckBody) } },
    (request, reply) => {
      const desk = desks.of(request.params.pair);
      const { context } = desk;
      return once(context.store, request, reply, async () => {
        const row = await expectedRow(desk, request);
        if (!CHECKED_PHASES.has(row.phase)) {
          throw fail('phase_mismatch', { phase: row.phase, event: 'check_requested' });
        }
        const kind = request.body?.kind ?? 'full';
        const id = await context.store.checks.request(row.pair, kind, {
          source: row.writableSide,
          target: otherSide(row.writableSide),
        });
        return {
          status: 202,
          headers: { location: `/v1/pairs/${row.pair}/checks/${id}` },
          body: {
            schema: 'turnout.check/v1',
            id,
            pair: row.pair,
            kind,
            outcome: 'running',
            tables: [],
            rows_compared: 0,
            differences: 0,
            seconds: 0,
            next_steps: [
              { command: `turnout verify show ${row.pair} ${id}`, why: 'See how it goes.' },
            ],
          },
        };
      });
    },
  );

  installSwitching(app, desks);
  installLifeCycle(app, desks);
}

const CHECKED_PHASES = new Set(['verifying', 'ready', 'on_green']);

function installSwitching(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();

  api.post(
    '/v1/pairs/:pair/switchovers',
    { ...OPERATOR, schema: { params: PairPath, body: SwitchoverBody } },
    (request, reply) => {
      const desk = desks.of(request.params.pair);
      const { store, pair } = desk.context;
      return once(store, request, reply, async () => {
        const { to, expect, reason, plan_hash: planHash } = request.body;
        const row = await expectedRow(desk, request);
        requireExpectation(row, expect);
        if (row.writableSide === to && row.phase !== 'switching') {
          throw fail('side_open_already', { side: to, phase: row.phase });
        }
        if (planHash !== undefined) await requirePlan(desk, to, planHash);
        const id = await desk.dispatcher.start({
          to,
          reason: reason ?? null,
          actor: request.actor,
          planHash: planHash ?? null,
          expectRevision: expectedRevision(request),
        });
        return {
          status: 202,
          headers: { location: `/v1/pairs/${pair.name}/switchovers/${id}` },
          body: {
            schema: 'turnout.switchover/v1',
            id,
            pair: pair.name,
            to,
            outcome: 'running',
            reason: reason ?? null,
            window_ms: null,
            steps: [],
            certificate: null,
            client_stall_ms: null,
            next_steps: [
              { command: `turnout switchover show ${pair.name} ${id}`, why: 'See how it goes.' },
            ],
          },
        };
      });
    },
  );

  api.delete(
    '/v1/pairs/:pair/switchovers/current',
    { ...OPERATOR, schema: { params: PairPath } },
    async (request, reply) => {
      const desk = desks.of(request.params.pair);
      desk.dispatcher.cancel();
      await desk.dispatcher.settled();
      return reply.code(200).send(operationView(desk.context.pair.name, 'cancel', 'done', []));
    },
  );
}

function installLifeCycle(app: FastifyInstance, desks: Desks): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const ends = { abort: 'abort_requested', complete: 'complete_requested' } as const;
  for (const verb of ['abort', 'complete'] as const) {
    api.post(
      `/v1/pairs/:pair/${verb}`,
      { ...ADMIN, schema: { params: PairPath } },
      (request, reply) => {
        const desk = desks.of(request.params.pair);
        const { context } = desk;
        return once(context.store, request, reply, async () => {
          await expectedRow(desk, request);
          const left = await endPair(context, ends[verb], request.actor);
          const body = operationView(context.pair.name, verb, 'done', []);
          return { status: 200, body: { ...body, left } };
        });
      },
    );
  }
  api.post(
    '/v1/pairs/:pair/link/retry',
    { ...OPERATOR, schema: { params: PairPath } },
    (request, reply) => {
      const desk = desks.of(request.params.pair);
      const { store, pair } = desk.context;
      return once(store, request, reply, async () => {
        await retryLink(desk.context, await expectedRow(desk, request), request.actor);
        const next = { command: `turnout status ${pair.name}`, why: 'See whether it streams.' };
        return { status: 200, body: operationView(pair.name, 'link retry', 'done', [next]) };
      });
    },
  );
  for (const verb of ['pause', 'resume'] as const) {
    api.post(
      `/v1/pairs/:pair/${verb}`,
      { ...OPERATOR, schema: { params: PairPath } },
      (request, reply) => {
        const desk = desks.of(request.params.pair);
        const { context } = desk;
        return once(context.store, request, reply, async () => {
          await expectedRow(desk, request);
          await setPaused(context, verb === 'pause', request.actor);
          return { status: 200, body: operationView(context.pair.name, verb, 'done', []) };
        });
      },
    );
  }
}

/** The pair as it is, if it still is what the caller looked at. @throws TRN5005 */
async function expectedRow(desk: Desk, request: FastifyRequest): Promise<PairRow> {
  const row = await desk.row();
  const expected = expectedRevision(request) ?? row.revision;
  if (expected === row.revision) return row;
  throw fail('expectation_failed', { pair: row.pair, expected, revision: row.revision });
}

function requireExpectation(
  row: PairRow,
  expect: { source?: Side; phase?: string } | undefined,
): void {
  const { source = row.writableSide, phase = row.phase } = expect ?? {};
  if (source !== row.writableSide || phase !== row.phase) {
    throw fail('expectation_failed', { source: row.writableSide, phase: row.phase });
  }
}

async function requirePlan(desk: Desk, to: Side, planHash: string): Promise<void> {
  const plan = (await planView(desk.context, to)) as { hash: string };
  if (plan.hash !== planHash) throw fail('plan_changed', { approved: planHash, hash: plan.hash });
}

function revisionOf(expectRevision: number | undefined): { expectRevision?: number } {
  return expectRevision === undefined ? {} : { expectRevision };
}

function accepted(
  pair: string,
  kind: string,
  command: string,
): { status: number; headers: Record<string, string>; body: Record<string, unknown> } {
  return {
    status: 202,
    headers: { location: `/v1/pairs/${pair}` },
    body: operationView(pair, kind, 'accepted', [{ command, why: 'Follow it.' }]),
  };
}
