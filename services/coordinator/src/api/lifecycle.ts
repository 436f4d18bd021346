import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from '@fastify/type-provider-typebox';
import { edgeFor } from '@turnout/machine/pair-machine';
import type { Phase } from '@turnout/machine/phases';
import { admitStart } from '../lifecycle/admission.js';
import { admitEnd, ENDS, type EndVerb } from '../lifecycle/ending.js';
import { setPaused } from '../lifecycle/pausing.js';
import { preflight } from '../preflight/preflight.js';
import type { PairRuntime, Runtimes } from '../runtime.js';
import { askLeader, expectedRow, reached } from './asking.js';
import { expectedRevision, once, type Answer } from './idempotency.js';
import { ADMIN, OPERATOR, PairPath } from './paths.js';
import { nextStepsOf } from './status-view.js';
import { operationView } from './views.js';

const RetryBody = Type.Object(
  { direction: Type.Optional(Type.Union([Type.Literal('forward'), Type.Literal('reverse')])) },
  { additionalProperties: false },
);

/** What moves a pair through its life. Everything but preflight is written down and taken up by the loop. */
export function installLifecycle(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const schema = { tags: ['pairs'], params: PairPath };

  api.post('/v1/pairs/:pair/preflight', { ...OPERATOR, schema }, async (request) => {
    const runtime = runtimes.of(request.params.pair);
    const { name } = runtime.context.pair;
    const row = await runtime.row();
    const findings = await preflight(runtime.context.pair);
    const begins = edgeFor(row.phase as Phase, 'start_requested')?.to === 'preflight';
    const critical = findings.some(({ severity }) => severity === 'critical');
    const step = critical
      ? { command: `turnout preflight ${name}`, why: 'Look again when that is mended.' }
      : { command: `turnout start ${name} --wait`, why: 'Begin the copy.' };
    return {
      schema: 'turnout.preflight/v1',
      pair: name,
      findings,
      // A pair that has begun goes on from where it stands.
      next_steps: begins ? [step] : (await nextStepsOf(runtime, row)).steps,
    };
  });

  api.post('/v1/pairs/:pair/start', { ...OPERATOR, schema }, (request, reply) => {
    const runtime = runtimes.of(request.params.pair);
    const { context, loop } = runtime;
    const { name } = context.pair;
    return once(context.store, request, reply, async () => {
      const expectRevision = expectedRevision(request);
      await admitStart(context, {
        actor: request.actor,
        ...(expectRevision === undefined ? {} : { expectRevision }),
      });
      loop.wake();
      const next = { command: `turnout status ${name} --watch`, why: 'Follow it.' };
      const headers = { location: `/v1/pairs/${name}` };
      return { status: 202, headers, body: operationView(name, 'start', 'accepted', [next]) };
    });
  });

  for (const verb of ['pause', 'resume'] as const) {
    api.post(`/v1/pairs/:pair/${verb}`, { ...OPERATOR, schema }, (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      const { context, loop } = runtime;
      return once(context.store, request, reply, async () => {
        await expectedRow(runtime, request);
        await setPaused(context, verb === 'pause', request.actor);
        loop.wake();
        return { status: 200, body: operationView(context.pair.name, verb, 'done', []) };
      });
    });
  }
}

/** The ends of a pair, and what a person asks of whoever leads it. */
export function installEnding(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const schema = { tags: ['pairs'], params: PairPath };

  for (const verb of Object.keys(ENDS) as EndVerb[]) {
    api.post(`/v1/pairs/:pair/${verb}`, { ...ADMIN, schema }, (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      return once(runtime.context.store, request, reply, () => end(runtime, request, verb));
    });
  }

  for (const kind of ['cleanup', 'adopt'] as const) {
    api.post(`/v1/pairs/:pair/${kind}`, { ...ADMIN, schema }, (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      return once(runtime.context.store, request, reply, async () => {
        await expectedRow(runtime, request);
        return askLeader(runtime, { kind, actor: request.actor, verb: kind });
      });
    });
  }

  api.post(
    '/v1/pairs/:pair/link/retry',
    { ...OPERATOR, schema: { ...schema, body: Type.Optional(RetryBody) } },
    (request, reply) => {
      const runtime = runtimes.of(request.params.pair);
      return once(runtime.context.store, request, reply, async () => {
        await expectedRow(runtime, request);
        const { actor, body } = request;
        const params = body ?? {};
        return askLeader(runtime, { kind: 'link_retry', actor, params, verb: 'link retry' });
      });
    },
  );
}

/** Asked for, and told done when both sides were read back as clean; else 202, and the loop goes on. */
async function end(runtime: PairRuntime, request: FastifyRequest, verb: EndVerb): Promise<Answer> {
  await expectedRow(runtime, request);
  await admitEnd(runtime, verb, request.actor);
  runtime.loop.wake();
  const { name } = runtime.context.pair;
  const clean = await reached(runtime, ENDS[verb].final);
  if (clean) return { status: 200, body: { ...operationView(name, verb, 'done', []), left: [] } };
  const next = { command: `turnout cleanup ${name}`, why: 'Try again what is left.' };
  const { waiting } = await runtime.context.store.notes.get(name);
  const left = waiting === null ? [] : [waiting.for];
  return { status: 202, body: { ...operationView(name, verb, 'accepted', [next]), left } };
}
