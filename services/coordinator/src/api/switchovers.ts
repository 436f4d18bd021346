import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import { fail } from '@turnout/contracts/errors';
import { otherSide, type Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { PairRow } from '@turnout/store/pairs';
import type { SwitchoverRow } from '@turnout/store/switchovers';
import type { FastifyInstance } from 'fastify';
import { planView } from '../switchover/plan.js';
import type { PairRuntime, Runtimes } from '../runtime.js';
import { requestSwitchover } from '../switchover/request.js';
import { askLeader, expectedRow, requireLeader } from './asking.js';
import { expectedRevision, once } from './idempotency.js';
import { ADMIN, ItemPath, OPERATOR, PairPath, SideName, VIEWER } from './paths.js';
import { sharedByPair } from './shared-read.js';
import { switchoverView } from './views.js';

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

const ForceBody = Type.Object(
  {
    side: SideName,
    i_have_isolated_the_other: Type.Literal(true),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
);

const readPlan = {
  blue: sharedByPair((runtime) => planView(runtime, 'blue')),
  green: sharedByPair((runtime) => planView(runtime, 'green')),
};

const CANCEL_TIMEOUT_MS = 30_000;

/** Plans, and switches with their steps and certificate. */
export function installSwitchovers(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const tags = ['switchovers'];
  const onPair = { schema: { tags, params: PairPath } };

  api.get(
    '/v1/pairs/:pair/plans',
    {
      ...VIEWER,
      schema: { tags, params: PairPath, querystring: Type.Object({ to: SideName }) },
    },
    (request) => readPlan[request.query.to](runtimes.of(request.params.pair)),
  );

  api.get('/v1/pairs/:pair/switchovers', { ...VIEWER, ...onPair }, async (request) => {
    const runtime = runtimes.of(request.params.pair);
    const { store, pair } = runtime.context;
    const rows = await store.switchovers.list(pair.name);
    const switchovers = await Promise.all(rows.map((row) => viewOf(runtime, row)));
    return { schema: 'turnout.switchovers/v1', pair: pair.name, switchovers, next_steps: [] };
  });

  api.get(
    '/v1/pairs/:pair/switchovers/:id',
    { ...VIEWER, schema: { tags, params: ItemPath } },
    async (request) => {
      const runtime = runtimes.of(request.params.pair);
      const { store, pair } = runtime.context;
      const { id } = request.params;
      const rows = store.switchovers;
      const row = id === 'last' ? await rows.last(pair.name) : await rows.get(id);
      if (!row || row.pair !== pair.name) throw fail('switchover_unknown', { id });
      return viewOf(runtime, row);
    },
  );
}

/** Asking for a switch, and for its end before the decision. */
export function installSwitching(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const tags = ['switchovers'];

  api.post(
    '/v1/pairs/:pair/switchovers',
    { ...OPERATOR, schema: { tags, params: PairPath, body: SwitchoverBody } },
    (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      return once(runtime.context.store, request, reply, async () => {
        const { to, expect, reason = null, plan_hash: planHash = null } = request.body;
        requireExpectation(await expectedRow(runtime, request), expect);
        await requireLeader(runtime);
        if (planHash !== null) await requirePlan(runtime, to, planHash);
        const row = await requestSwitchover(runtime, {
          to,
          reason,
          actor: request.actor,
          planHash,
          expectRevision: expectedRevision(request),
        });
        runtime.loop.wake();
        const { name } = runtime.context.pair;
        return {
          status: 202,
          headers: { location: `/v1/pairs/${name}/switchovers/${row.id}` },
          body: await viewOf(runtime, row),
        };
      });
    },
  );

  api.delete(
    '/v1/pairs/:pair/switchovers/current',
    { ...OPERATOR, schema: { tags, params: PairPath } },
    async (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      const ended = await cancel(runtime, request.actor);
      if (ended.outcome !== 'undone') throw fail('already_decided', { switchover: ended.id });
      return reply.code(200).send(await viewOf(runtime, ended));
    },
  );
}

/** What a person says when settling waits for one. */
export function installSettling(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const tags = ['switchovers'];

  api.post(
    '/v1/pairs/:pair/switchovers/current/settle',
    { ...OPERATOR, schema: { tags, params: PairPath } },
    (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      const { actor } = request;
      return once(runtime.context.store, request, reply, () =>
        askLeader(runtime, { kind: 'settle', actor, verb: 'switchover settle' }),
      );
    },
  );

  api.post(
    '/v1/pairs/:pair/force-open',
    { ...ADMIN, schema: { tags, params: PairPath, body: ForceBody } },
    (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      const { actor, body: params } = request;
      return once(runtime.context.store, request, reply, () =>
        askLeader(runtime, { kind: 'force_open', actor, params, verb: 'switchover force-open' }),
      );
    },
  );
}

/**
 * A row as it stands now. `needs_operator` is what the loop says while settling waits for a person; the
 * steps of an attempt of this process are newer than the store inside the window.
 */
async function viewOf(runtime: PairRuntime, row: SwitchoverRow): Promise<Record<string, unknown>> {
  const attempt = runtime.loop.switching.attempt;
  const steps = attempt?.id === row.id ? attempt.recorder.records : row.steps;
  const { phase } = await runtime.row();
  const { checked } = PHASE_TRAITS[phase as Phase];
  if (row.outcome !== 'running') {
    return switchoverView({ ...row, steps: [...steps] }, { waiting: null, checked });
  }
  const { waiting } = await runtime.context.store.notes.get(row.pair);
  const outcome = waiting?.holder === 'operator' ? 'needs_operator' : 'running';
  return switchoverView({ ...row, outcome, steps: [...steps] }, { waiting, checked });
}

/** Asks for the end of the running switch and waits for what it came to. @throws TRN5017, TRN5012 */
async function cancel(runtime: PairRuntime, actor: string): Promise<SwitchoverRow> {
  const { store, pair } = runtime.context;
  const asked = await store.switchovers.requestCancel(pair.name, actor);
  if (!asked) throw fail('switchover_unknown', { pair: pair.name, running: 'none' });
  runtime.loop.switching.cancel(asked.id);
  runtime.loop.wake();
  return waitUntil(
    async () => {
      const row = await store.switchovers.get(asked.id);
      return row && row.outcome !== 'running' ? row : undefined;
    },
    {
      timeoutMs: CANCEL_TIMEOUT_MS,
      intervalMs: 50,
      onTimeout: () => fail('operator_needed', { switchover: asked.id, reason: 'not settled yet' }),
    },
  );
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

async function requirePlan(runtime: PairRuntime, to: Side, planHash: string): Promise<void> {
  const { hash } = await readPlan[to](runtime);
  if (hash !== planHash) {
    throw fail('plan_changed', { approved: planHash, hash, from: otherSide(to) });
  }
}
