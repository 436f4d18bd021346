import { fail } from '@turnout/contracts/errors';
import { directionFrom, isSide, otherSide, type Side } from '@turnout/core/sides';
import { edgeFor } from '@turnout/machine/pair-machine';
import type { Phase } from '@turnout/machine/phases';
import type { RequestKind, RequestRow } from '@turnout/store/requests';
import { cleanNow } from '../lifecycle/clean.js';
import { move } from '../lifecycle/move.js';
import type { Leading } from '../lifecycle/stage.js';
import type { Wait } from '../lifecycle/wait.js';
import { ask } from '../side/side-row.js';
import { closeLinkInto } from '../side/sql/drain-sql.js';
import { transition } from '../side/transition.js';
import { asAppError } from '@turnout/postgres/refusal';
import { inTransaction } from '@turnout/postgres/transaction';
import { underClaim } from './keep.js';
import { openSide } from './scene.js';

/** A request that nobody took within this time is not done any more: its author has moved on. */
export const REQUEST_TTL_MS = 15_000;

type Handler = (leading: Leading, request: RequestRow, wait: Wait | null) => Promise<void>;

/** @throws TRN5003 for a link that did not fail */
const retryLink: Handler = async ({ context, row }, { params, actor }) => {
  const { store, pair } = context;
  const asked = params['direction'];
  const direction =
    asked === 'forward' || asked === 'reverse' ? asked : directionFrom(row.writableSide);
  const link = await store.links.get(pair.name, direction);
  if (link?.observed?.state !== 'failed') {
    const state = link?.observed?.state ?? null;
    throw fail('phase_mismatch', { phase: row.phase, event: 'link_retry', link: state, direction });
  }
  await store.links.setDesired(pair.name, direction, link.desired);
  const data = { direction, code: link.observed.code ?? null };
  await store.journal.append(pair.name, { type: 'link_retried', data, actor, accepted: true });
};

/** The journal follows sides that are installed and agree with each other. @throws TRN5032 */
const adopt: Handler = async ({ context, row, sides }, { actor }) => {
  const open = openSide(sides);
  const phase = row.phase as Phase;
  const event = open === null ? null : (`adopted_on_${open}` as const);
  const other = open === null ? null : sides[otherSide(open)];
  const closed = other?.reachable === true && other.row?.state === 'closed';
  if (open === null || event === null || !closed || !edgeFor(phase, event)) {
    throw fail('adoption_refused', { phase, open_side: open, both_read: closed });
  }
  await move(context.store, context.pair.name, {
    event,
    actor,
    writableSide: open,
    data: { adopted: open, journal_said: row.writableSide, journal_phase: phase },
  });
};

/**
 * The operator's word that the other side is powered off or isolated (PROTOCOL 8.6). The link into the
 * side that opens is closed with it: what the other holds beyond is met as leaks when it returns, and
 * it is closed before anything else.
 * @throws TRN5031 unless this side is closed and the other does not answer, or is closed too
 */
const forceOpen: Handler = async (leading, { params, actor }) => {
  const { context, sides, row } = leading;
  const side = params['side'];
  if (!isSide(side) || params['i_have_isolated_the_other'] !== true) {
    throw fail('force_refused', { side: String(side), reason: 'the word is missing' });
  }
  const other = otherSide(side);
  const [here, there] = [sides[side], sides[other]];
  const state = here.reachable ? (here.row?.state ?? 'absent') : 'silent';
  const otherState = there.reachable ? (there.row?.state ?? 'absent') : 'silent';
  if (state !== 'closed' || otherState === 'open') {
    throw fail('force_refused', { side, state, other: otherState });
  }
  const reason = String(params['reason'] ?? '');
  const data = { side, other_state: otherState, reason };
  await context.store.journal.append(context.pair.name, {
    type: 'force_open',
    data,
    actor,
    accepted: true,
  });
  await underClaim(leading, { all: [side], optional: [] }, async (held) => {
    const session = held.control[side]!;
    await inTransaction(session, async () => {
      await transition(session, held.claim, {
        side,
        expect: 'closed',
        guard: 'pass',
        fenceEpoch: held.claim.epoch,
        switchoverId: row.phase === 'switching' ? (held.rows[side]?.switchoverId ?? null) : null,
      });
      await ask(session, closeLinkInto(directionFrom(other), held.claim.epoch));
    });
  });
  await followForced(leading, side, actor);
};

/** While a switch runs, settling tells its outcome; otherwise the journal is told here. */
async function followForced({ context, row }: Leading, side: Side, actor: string): Promise<void> {
  const event = `adopted_on_${side}` as const;
  if (row.writableSide === side || row.phase === 'switching') return;
  if (!edgeFor(row.phase as Phase, event)) return;
  const data = { adopted: side, journal_said: row.writableSide, why: 'forced open' };
  await move(context.store, context.pair.name, { event, actor, writableSide: side, data });
}

const cleanup: Handler = async ({ context, row }) => {
  if (row.phase !== 'aborting' && row.phase !== 'completing') {
    throw fail('phase_mismatch', { phase: row.phase, event: 'cleanup' });
  }
  const left = await cleanNow(context, row.phase);
  if (left.length > 0) throw fail('cleanup_unfinished', { left: left.join('; ') });
};

/**
 * Settling is done in every round; who asks for it is told whether this one came through.
 * @throws TRN5012 naming what settling waits for
 */
const settled: Handler = async (_leading, _request, wait) => {
  if (wait !== null) throw fail('operator_needed', { waits_for: wait.for });
};

const HANDLERS: Readonly<Record<RequestKind, Handler>> = {
  adopt,
  force_open: forceOpen,
  link_retry: retryLink,
  settle: settled,
  cleanup,
};

/**
 * Takes up the oldest request, if any, and tells how it ended. `wait` is what settling waits for.
 * @returns whether there was one
 */
export async function handleRequest(leading: Leading, wait: Wait | null = null): Promise<boolean> {
  const { store, pair, logger } = leading.context;
  const request = await store.requests.take(pair.name, REQUEST_TTL_MS);
  if (request === null) return false;
  try {
    await HANDLERS[request.kind](leading, request, wait);
    await store.requests.finish(request.id, null);
  } catch (thrown) {
    const error = asAppError(thrown, { request: request.kind });
    logger.warn({ pair: pair.name, request: request.kind, err: error }, 'request refused');
    await store.requests.finish(request.id, { code: error.code, facts: error.facts });
  }
  return true;
}
