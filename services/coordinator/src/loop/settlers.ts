import { fail, isError } from '@turnout/contracts/errors';
import { randomUUID } from 'node:crypto';
import { directionFrom, otherSide, type Side } from '@turnout/core/sides';
import { destroySession } from '@turnout/postgres/session';
import type { SwitchoverRow } from '@turnout/store/switchovers';
import type { PairContext } from '../context.js';
import type { GateKeeper } from '../gates/gate-keeper.js';
import { move } from '../lifecycle/move.js';
import { endClaimed, takeOver, type Claimed, type TakeOver } from '../side/claim.js';
import { commitReplicated } from '../side/commit.js';
import { proveDrain } from '../side/drain.js';
import { advanceSequences } from '../side/sequences.js';
import { openRoleSession } from '../side/sessions.js';
import { writeNumberedMarker } from '../side/sql/side-sql.js';
import { unreplicated } from '../side/standbys.js';
import { inTransaction } from '@turnout/postgres/transaction';
import { ask } from '../side/side-row.js';
import { closeLinkInto } from '../side/sql/drain-sql.js';
import { transition } from '../side/transition.js';
import { proveNoBypass } from '../side/writers.js';
import { Attempt } from '../switchover/attempt.js';
import { awaitStandbysOfBoth } from '../switchover/before.js';
import { commitOpening } from '../switchover/decide.js';
import { recordOutcome } from '../switchover/outcome.js';
import { reasonOf } from '@turnout/postgres/database-error';
import { Recorder } from '../switchover/recorder.js';
import { finishAttempt } from '../switchover/run-attempt.js';
import { UNDONE } from '../switchover/steps.js';
import { openInTransaction } from '../switchover/window.js';
import type { Settlement } from './settle-table.js';
import type { Wait } from '../lifecycle/wait.js';

/** What settling has in hand; the store may be away. */
export interface Settling {
  readonly context: PairContext;
  readonly gates: GateKeeper;
  readonly settlement: Settlement;
  readonly switchover: SwitchoverRow | null;
  /** Epoch for a claim that is above everything seen. */
  readonly epoch: bigint;
  /** Of an attempt of this process that just ended: its steps, why, and its hold on poolers. */
  readonly last: EndedAttempt | null;
  /** Told of every claim, so that what it leaves behind is known as ours. */
  onClaim(claimed: Claimed): void;
}

export interface EndedAttempt {
  readonly attempt: Attempt;
  readonly error: unknown;
}

type Settler = (settling: Settling) => Promise<Wait | null>;

/** Errors of an attempt that pass by themselves: it is made again, a few times. */
const TRANSIENT = ['store_unreachable', 'lease_lost'] as const;
const ATTEMPTS_MAX = 3;
const COMMIT_TIMEOUT_MS = 5_000;

/** A store that is away keeps no side from being settled; the row is taken up in a later round. */
async function takeUp({ store, instanceId }: PairContext, { id }: SwitchoverRow): Promise<void> {
  await store.switchovers.takeUp(id, instanceId).catch((thrown: unknown) => {
    if (!isError(thrown, 'store_unreachable')) throw thrown;
  });
}

async function claimed<T>(
  settling: Settling,
  sides: Pick<TakeOver, 'optional' | 'uncounted'> & { readonly all: readonly Side[] },
  work: (held: Claimed) => Promise<T>,
): Promise<T> {
  const { context, epoch, onClaim, switchover } = settling;
  const held = await takeOver({
    pair: context.pair,
    sides: sides.all,
    optional: sides.optional,
    uncounted: sides.uncounted,
    epoch,
  });
  onClaim(held);
  try {
    if (switchover) await takeUp(context, switchover);
    return await work(held);
  } finally {
    endClaimed(held.control);
  }
}

const bySide = (side: Side | null): Side => {
  if (side === null) throw fail('operator_needed', { reason: 'no side is named' });
  return side;
};

function recorderOf({ context, switchover, last }: Settling): Recorder {
  const id = switchover?.id ?? 'none';
  if (last?.attempt.id === id) return last.attempt.recorder;
  return new Recorder(context, id, switchover?.steps ?? []);
}

/** The switch was decided, by whomever: what is left of it is done, as often as needed. */
const finish: Settler = async (settling) => {
  const { context, gates, switchover, epoch, last } = settling;
  if (switchover === null) return null;
  const { to } = switchover;
  const from = otherSide(to);
  await claimed(settling, { all: [from, to], optional: [from] }, async (held) => {
    const row = held.rows[to];
    if (row?.state !== 'open') return;
    const recorder = recorderOf(settling);
    const known = { claimed: held, fenceEpoch: row.fenceEpoch };
    const attempt = new Attempt({ context, gates, row: switchover, recorder, epoch, known });
    await finishAttempt(attempt);
    if (last?.attempt.id === switchover.id) await last.attempt.knownIfAny('guardian')?.release();
  });
  return null;
};

/** The one way back, for our own failures as for a predecessor that died: fresh sessions, last step first. */
const undo: Settler = async (settling) => {
  const { context, switchover, last, settlement } = settling;
  const from = bySide(settlement.side);
  const to = otherSide(from);
  const own = last !== null && last.attempt.id === switchover?.id ? last : null;
  const recorder = recorderOf(settling);
  // Nothing is opened or closed: a standby of `from` that stalled may be why the switch is undone.
  const sides = { all: [from, to], optional: [to], uncounted: [from] };
  await claimed(settling, sides, async (held) => {
    if (held.rows[from]?.state !== 'open') return;
    const undoing = { context, claimed: held, from, to };
    for (const step of UNDONE) {
      const work = async (): Promise<void> => step.undo(undoing);
      await (switchover ? recorder.step(step.id, { undo: true }, work) : work());
    }
    await own?.attempt.knownIfAny('guardian')?.release();
    if (switchover === null) return;
    if (own && isError(own.error, ...TRANSIENT) && switchover.attempts < ATTEMPTS_MAX) {
      await context.store.switchovers.requeue(switchover.id);
      return;
    }
    const reason = own ? reasonOf(own.error) : 'undone by a successor';
    const cancelled = switchover.cancelRequestedAt !== null && own === null;
    await recordOutcome(context, recorder, {
      id: switchover.id,
      to,
      actor: switchover.actor,
      outcome: 'undone',
      reason: cancelled ? fail('switchover_cancelled', {}).message : reason,
      windowMs: null,
      certificate: null,
    });
  });
  return null;
};

/** Between the two commits. Forward with a fresh proof, or back: our claim has ended the old opening. */
const decide: Settler = async (settling) => {
  const { context, settlement } = settling;
  const from = bySide(settlement.side);
  const to = otherSide(from);
  // The claim of `to` ends the old opening there, so it counts; going forward waits for the standbys of
  // both, and going back may not wait for one of `from`.
  await claimed(settling, { all: [from, to], uncounted: [from] }, async (held) => {
    if (held.rows[from]?.state !== 'closed' || held.rows[to]?.state !== 'closed') return;
    try {
      if (settlement.do === 'decide') return await openTarget(settling, held, from);
    } catch (thrown) {
      if (isError(thrown, 'commit_unknown', 'superseded')) throw thrown;
      context.logger.error({ pair: context.pair.name, reason: reasonOf(thrown) }, 'going back');
    }
    await reopen(settling, held, from);
  });
  return null;
};

/**
 * An opening that was lost with its server may have been decoded before: the new link is open then and
 * would apply what nobody may write. It is closed with the reopening.
 */
async function reopen({ switchover }: Settling, held: Claimed, from: Side): Promise<void> {
  const session = held.control[from]!;
  await inTransaction(session, async () => {
    await transition(session, held.claim, {
      side: from,
      expect: 'closed',
      guard: 'pass',
      fenceEpoch: held.claim.epoch,
      switchoverId: switchover?.id ?? null,
    });
    await ask(session, closeLinkInto(directionFrom(otherSide(from)), held.claim.epoch));
  });
}

async function openTarget(settling: Settling, held: Claimed, from: Side): Promise<void> {
  const { context, gates, switchover, epoch } = settling;
  const { pair } = context;
  const to = otherSide(from);
  const { fenceEpoch, switchoverId } = held.rows[from]!;
  const attempt = new Attempt({
    context,
    gates,
    row: { id: switchoverId ?? switchover?.id ?? 'none', to, actor: 'coordinator' },
    recorder: recorderOf(settling),
    epoch,
    known: { claimed: held, fenceEpoch },
  });
  attempt.decided = true;
  await proveNoBypass(held.control[from]!);
  const ends = {
    from,
    link: directionFrom(from),
    source: held.control[from]!,
    target: held.control[to]!,
  };
  const proof = await proveDrain(ends, pair.window.maxMs);
  await awaitStandbysOfBoth(attempt);
  await proveReplicated(settling, from);
  await advanceSequences(held.control[from]!, held.control[to]!);
  const session = await openRoleSession(pair, to, 'prepare', epoch);
  try {
    await openInTransaction(attempt, { session, claim: held.claim, fenceEpoch, proof });
    await commitOpening(attempt, { session, fenceEpoch });
  } finally {
    destroySession(session);
  }
}

/** What closed `from` is where its synchronous standbys must have it: a commit behind it is. @throws TRN5029 */
async function proveReplicated({ context, epoch }: Settling, from: Side): Promise<void> {
  const { pair } = context;
  const [session, watcher] = await Promise.all([
    openRoleSession(pair, from, 'fence', epoch),
    openRoleSession(pair, from, 'control', epoch),
  ]);
  const { standbyWaitMs } = pair.window;
  try {
    await session.query(/* sql */ `begin`);
    await ask(session, writeNumberedMarker(from, 'roundtrip'));
    const outcome = await commitReplicated(session, {
      watcher,
      standbyWaitMs,
      timeoutMs: COMMIT_TIMEOUT_MS,
    });
    if (outcome !== 'committed') throw unreplicated(from, standbyWaitMs);
  } finally {
    destroySession(session);
    destroySession(watcher);
  }
}

/** Both are open: the one that lost its fence is closed again at once, and a person is told. */
const refence: Settler = async (settling) => {
  const { context, settlement } = settling;
  const { store, pair, logger } = context;
  const lost = bySide(settlement.side);
  const keeps = otherSide(lost);
  await claimed(settling, { all: [lost, keeps], uncounted: [lost, keeps] }, async (held) => {
    const { [lost]: lostRow, [keeps]: keepsRow } = held.rows;
    if (lostRow?.state !== 'open' || keepsRow?.state !== 'open') return;
    await transition(held.control[lost]!, held.claim, {
      side: lost,
      expect: 'open',
      guard: 'closed',
      fenceEpoch: keepsRow.fenceEpoch,
      switchoverId: keepsRow.switchoverId,
    });
    const error = fail('fence_lost', { side: lost });
    logger.error({ pair: pair.name, side: lost, code: error.code }, error.message);
    const data = { side: lost, code: error.code, incident: randomUUID() };
    const entry = { type: 'fence_lost', data, actor: 'coordinator', accepted: true };
    await store.journal.append(pair.name, entry);
  });
  return null;
};

/** The sides win over the journal, which may have been restored from a backup. */
const adopt: Settler = async ({ context, settlement }) => {
  const { store, pair } = context;
  const side = bySide(settlement.side);
  const before = await store.pairs.get(pair.name);
  await move(store, pair.name, {
    event: `adopted_on_${side}`,
    actor: 'coordinator',
    writableSide: side,
    data: {
      adopted: side,
      journal_said: before?.writableSide ?? null,
      journal_phase: before?.phase ?? null,
      why: settlement.why,
    },
  });
  return null;
};

const OPERATOR_REMEDY =
  'bring the side that does not answer back, or when it is powered off or isolated: ' +
  'turnout switchover force-open PAIR --side S --i-have-isolated-the-other';

/** What settles each outcome of the table. */
export const SETTLERS: Readonly<Record<Settlement['do'], Settler>> = {
  nothing: async () => null,
  stand_down: async () => null,
  wait: async ({ settlement }) => ({ for: settlement.why, remedy: 'Bring the servers back.' }),
  operator: async ({ settlement, context }) => ({
    for: settlement.why,
    holder: 'operator',
    remedy: OPERATOR_REMEDY.replace('PAIR', context.pair.name),
  }),
  finish,
  undo,
  disarm: undo,
  decide,
  reopen: decide,
  refence,
  adopt,
};
