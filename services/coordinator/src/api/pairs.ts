import { otherSide } from '@turnout/core/sides';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { Runtimes } from '../runtime.js';
import { PairPath, VIEWER } from './paths.js';
import { sharedByPair } from './shared-read.js';
import { nextStepsOf, statusView } from './status-view.js';
import { checkTableView, lagView } from './views.js';

/** Whoever asks for the gates wants them fresh; many who ask at a time share one evaluation. */
const GATES_AGE_MAX_MS = 1_000;

const readStatus = sharedByPair(async (runtime) => {
  const row = await runtime.row();
  return { row, view: await statusView(runtime, row) };
});

const readGates = sharedByPair(async (runtime) => {
  const row = await runtime.row();
  const { verdicts } = await runtime.gates.recent(row.writableSide, GATES_AGE_MAX_MS);
  return {
    schema: 'turnout.gates/v1',
    pair: row.pair,
    to: otherSide(row.writableSide),
    gates: verdicts,
    next_steps: (await nextStepsOf(runtime, row)).steps,
  };
});

/** Every pair in a line, one on one screen, and how far it has come: tables, lag, gates. */
export function installPairs(app: FastifyInstance, runtimes: Runtimes): void {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const onePair = { ...VIEWER, schema: { tags: ['pairs'], params: PairPath } };

  api.get('/v1/pairs', { ...VIEWER, schema: { tags: ['pairs'] } }, async () => ({
    schema: 'turnout.pairs/v1',
    pairs: await Promise.all(
      runtimes.all().map(async (each) => {
        const row = await each.row();
        return { pair: row.pair, phase: row.phase, writable: row.writableSide };
      }),
    ),
    next_steps: [{ command: 'turnout status PAIR', why: 'One pair on one screen.' }],
  }));

  api.get('/v1/pairs/:pair', onePair, async (request, reply) => {
    const { row, view } = await readStatus(runtimes.of(request.params.pair));
    return reply.header('etag', `"${row.revision}"`).send(view);
  });

  api.get('/v1/pairs/:pair/tables', onePair, async (request) => {
    const runtime = runtimes.of(request.params.pair);
    const row = await runtime.row();
    const { links, checks } = runtime.context.store;
    const link = await links.get(row.pair, 'forward');
    const check = await checks.last(row.pair, 'full');
    return {
      schema: 'turnout.tables/v1',
      pair: row.pair,
      copied: link?.observed?.tables ?? null,
      verified: check?.tables.map(checkTableView) ?? null,
      next_steps: (await nextStepsOf(runtime, row)).steps,
    };
  });

  api.get('/v1/pairs/:pair/lag', onePair, async (request) => {
    const runtime = runtimes.of(request.params.pair);
    const { pair } = await runtime.row();
    const { lag } = runtime.context.store;
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
  });

  api.get('/v1/pairs/:pair/gates', onePair, (request) =>
    readGates(runtimes.of(request.params.pair)),
  );
}
