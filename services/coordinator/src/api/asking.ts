import { ERRORS, errorNamed, fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import type { PairRow } from '@turnout/store/pairs';
import type { RequestKind } from '@turnout/store/requests';
import type { FastifyRequest } from 'fastify';
import { leaderLease } from '../gates/workers.js';
import type { PairRuntime } from '../runtime.js';
import { expectedRevision, type Answer } from './idempotency.js';
import { operationView } from './views.js';

/** A request that the leader has not finished by then is answered with 202. */
const ANSWER_WITHIN_MS = 10_000;
const POLL_MS = 25;

/** The pair as it is, if it still is what the caller looked at. @throws TRN5005 */
export async function expectedRow(runtime: PairRuntime, request: FastifyRequest): Promise<PairRow> {
  const row = await runtime.row();
  const expected = expectedRevision(request) ?? row.revision;
  if (expected === row.revision) return row;
  throw fail('expectation_failed', { pair: row.pair, expected, revision: row.revision });
}

/** A lease that ended is taken by another within its life; until then nobody leads for a moment. */
const LEADER_WITHIN_MS = 6_000;

/** @throws TRN5035: what is asked for would be taken up by nobody */
export async function requireLeader({ context }: PairRuntime): Promise<void> {
  const { store, pair } = context;
  await waitUntil(
    async () => {
      const [lease] = await store.leases.list([leaderLease(pair.name)]);
      return lease?.holder == null ? undefined : true;
    },
    {
      timeoutMs: LEADER_WITHIN_MS,
      intervalMs: 50,
      onTimeout: () => fail('no_leader', { pair: pair.name }),
    },
  );
}

interface Asked {
  readonly kind: RequestKind;
  readonly actor: string;
  readonly params?: object | undefined;
  readonly verb: string;
}

/**
 * Asks whoever leads the pair and waits for the answer for a while.
 * @throws what the leader answered, TRN5035 when nobody leads
 */
export async function askLeader(runtime: PairRuntime, asked: Asked): Promise<Answer> {
  const { store, pair } = runtime.context;
  await requireLeader(runtime);
  const { kind, actor, params = {}, verb } = asked;
  const id = await store.requests.create(pair.name, { kind, actor, params });
  runtime.loop.wake();
  const ended = await waitUntil(
    async () => {
      const row = await store.requests.get(id);
      return row && row.outcome !== 'pending' ? row : undefined;
    },
    {
      timeoutMs: ANSWER_WITHIN_MS,
      intervalMs: POLL_MS,
      onTimeout: () => fail('request_not_taken', { request: id }),
    },
  ).catch(() => null);
  if (ended?.outcome === 'refused') {
    const name = ended.code === null ? null : errorNamed(ended.code);
    throw fail(name ?? 'unexpected', ended.facts ?? {});
  }
  const follow = { command: `turnout status ${pair.name}`, why: 'See where the pair stands.' };
  const state = ended === null ? 'accepted' : 'done';
  const body = operationView(pair.name, verb, state, [follow]);
  return { status: ended === null ? 202 : 200, body: { ...body, id } };
}

/** The pair got to `phase` within the time of an answer. */
export async function reached(runtime: PairRuntime, phase: string): Promise<boolean> {
  return waitUntil(async () => ((await runtime.row()).phase === phase ? true : undefined), {
    timeoutMs: ANSWER_WITHIN_MS,
    intervalMs: POLL_MS,
    onTimeout: () => fail('cleanup_unfinished', { phase }),
  }).catch(() => false);
}

/** Remedy of an error as a next step would say it. */
export function remedyOf(name: keyof typeof ERRORS, pair: string): string {
  return ERRORS[name].remedy.replaceAll('PAIR', pair);
}
