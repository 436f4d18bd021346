import { errorNamed, fail, isError } from '@turnout/contracts/errors';
import { SIDES } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { installGuards } from '../lifecycle/installation.js';
import { takeOver } from '../side/claim.js';
import { sendMarker } from '../side/round-trip.js';
import { requireSameSchema, requireUnchanged } from '../side/schema-view.js';
import { openForClients } from '../side/second-layer.js';
import { advanceSequences, previewSequences, sequenceRates } from '../side/sequences.js';
import { openRoleSession } from '../side/sessions.js';
import { awaitStandbys } from '../side/standbys.js';
import { transition } from '../side/transition.js';
import { awaitOlderWriters } from '../side/writers.js';
import type { Attempt } from './attempt.js';
import type { StepDetail, Undoing } from './step.js';

const LINK_TIMEOUT_MS = 30_000;
const TRACKING_TIMEOUT_MS = 20_000;
const ROUND_TRIP_TIMEOUT_MS = 5_000;
const FEW_KEYS = 1_000;
const FEW_KEYS_TIMEOUT_MS = 5_000;

/** All sessions of the window are opened before the fence: queued clients may exhaust connections. */
export async function acquire(attempt: Attempt): Promise<StepDetail> {
  const { context, epoch, from, to } = attempt;
  const { pair } = context;
  const claimed = await takeOver({ pair, sides: [from, to], epoch });
  attempt.learn({ claimed });
  attempt.signal.throwIfAborted();
  const { [from]: fromRow, [to]: toRow } = claimed.rows;
  if (fromRow?.state !== 'open' || toRow?.state !== 'closed') {
    throw fail('expectation_failed', {
      [from]: fromRow?.state ?? null,
      [to]: toRow?.state ?? null,
    });
  }
  attempt.learn({ fence: await openRoleSession(pair, from, 'fence', epoch) });
  attempt.learn({ prepare: await openRoleSession(pair, to, 'prepare', epoch) });
  attempt.signal.throwIfAborted();
  return { epoch: String(epoch), holder: claimed.claim.holder };
}

/** What the gates saw of the schema is what arm and fence compare with. */
export async function passGates(attempt: Attempt): Promise<StepDetail> {
  const { schema } = await attempt.gates.require(attempt.from);
  attempt.learn({ schema });
  return { gates: 'open' };
}

/** Asks for the way back and waits until it streams; the replicator creates its slot and rows. */
async function startNewLink({ context, newLink, signal }: Attempt): Promise<void> {
  const { store, pair } = context;
  await store.links.ensure(pair.name, newLink);
  const before = await store.links.get(pair.name, newLink);
  const usable = ['streaming', 'watching'].includes(before?.observed?.state ?? '');
  if (!usable || before?.desired !== 'streaming') {
    await store.links.setDesired(pair.name, newLink, 'streaming');
  }
  let state: string | null = null;
  await waitUntil(
    async () => {
      const link = await store.links.get(pair.name, newLink);
      state = link?.observed?.state ?? null;
      if (state === 'failed') {
        throw fail('arm_timed_out', {
          link: newLink,
          code: link?.observed?.code ?? null,
          message: link?.observed?.message ?? null,
        });
      }
      return state === 'streaming' || state === 'watching' ? true : undefined;
    },
    {
      timeoutMs: LINK_TIMEOUT_MS,
      intervalMs: 25,
      signal,
      onTimeout: () =>
        fail('arm_timed_out', { reason: 'link does not stream', link: newLink, state }),
    },
  );
}

/** Asks the checker to follow changed keys on both sides, so that the final check is small. */
async function startTracking({ context, signal }: Attempt): Promise<void> {
  const { store, pair } = context;
  for (const side of SIDES) await store.tracking.setDesired(pair.name, side, true);
  await waitUntil(
    async () => {
      const rows = await Promise.all(SIDES.map((side) => store.tracking.get(pair.name, side)));
      return rows.every((row) => row?.observed?.horizonLsn != null) ? true : undefined;
    },
    {
      timeoutMs: TRACKING_TIMEOUT_MS,
      intervalMs: 25,
      signal,
      onTimeout: () => fail('arm_timed_out', { reason: 'changed keys are not tracked' }),
    },
  );
}

/**
 * A link that met a table or column it does not know has stopped, and no marker comes round: the
 * change is what the report names, and else why the link stopped.
 */
async function namingTheCause<T>(attempt: Attempt, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (attempt.failure !== null || !isError(thrown, 'drain_timed_out', 'arm_timed_out')) {
      throw thrown;
    }
    const { context, from, to, oldLink } = attempt;
    const { pair, store } = context;
    for (const side of [from, to]) {
      await requireUnchanged(attempt.control(side), pair, attempt.known('schema'), side);
    }
    const observed = (await store.links.get(pair.name, oldLink))?.observed;
    if (observed?.state !== 'failed') throw thrown;
    const name = observed.code == null ? null : errorNamed(observed.code);
    throw fail(name ?? 'link_failed', { link: oldLink, message: observed.message ?? null }, thrown);
  }
}

/**
 * The final check compares what the rounds have not come to, inside the window: few keys are waited for,
 * for a while. Under more writes than rounds keep up with, the switch goes on with what there is.
 * @returns keys that are left; null when the checker does not say
 */
async function awaitFewKeys({ context, from, signal }: Attempt): Promise<number | null> {
  const { store, pair } = context;
  let dirty: number | null = null;
  await waitUntil(
    async () => {
      dirty = (await store.tracking.get(pair.name, from))?.observed?.dirty ?? null;
      return dirty !== null && dirty <= FEW_KEYS ? true : undefined;
    },
    {
      timeoutMs: FEW_KEYS_TIMEOUT_MS,
      intervalMs: 50,
      signal,
      onTimeout: () => fail('arm_timed_out', { reason: 'many keys are left to compare' }),
    },
  ).catch((thrown: unknown) => {
    if (!isError(thrown, 'arm_timed_out')) throw thrown;
  });
  return dirty;
}

/** Both links deliver, one after the other; the sum predicts what the drain will take. */
async function provePath(attempt: Attempt): Promise<number> {
  const { from, to, signal, context } = attempt;
  const [fromSession, toSession] = [attempt.control(from), attempt.control(to)];
  const there = await sendMarker(
    { side: from, written: fromSession, seen: toSession },
    ROUND_TRIP_TIMEOUT_MS,
    signal,
  );
  const back = await sendMarker(
    { side: to, written: toSession, seen: fromSession },
    ROUND_TRIP_TIMEOUT_MS,
    signal,
  );
  const budgetMs = context.pair.window.maxMs;
  if (there + back > budgetMs / 2) {
    const roundTripMs = Math.round(there + back);
    throw fail('step_timed_out', { round_trip_ms: roundTripMs, window_max_ms: budgetMs });
  }
  return there + back;
}

/** Standbys that do not answer now would stop the decision between its two commits. */
export async function awaitStandbysOfBoth(attempt: Attempt): Promise<number> {
  const { standbys: policy, window } = attempt.context.pair;
  const counts = await Promise.all(
    SIDES.map((side) =>
      awaitStandbys(attempt.control(side), {
        side,
        policy,
        timeoutMs: window.standbyWaitMs,
        signal: attempt.decided ? undefined : attempt.signal,
      }),
    ),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

export async function arm(attempt: Attempt): Promise<StepDetail> {
  const { context, from, to, signal } = attempt;
  const { pair, routes, store } = context;
  const { claim } = attempt.known('claimed');
  // The guardian's process starts now: its start would be part of the window otherwise.
  const roundTripMs = await namingTheCause(attempt, async () => {
    await Promise.all([startNewLink(attempt), startTracking(attempt), routes.warm()]);
    return provePath(attempt);
  });
  const ended = await openForClients(attempt.control(to), claim);
  const sequences = await advanceSequences(attempt.control(from), attempt.control(to));
  const advancedMs = context.clock.monotonicMs();
  const installed = (await installGuards(pair, from)) + (await installGuards(pair, to));
  // On the session that reads it again under the fence: the statement is prepared there by then.
  await requireSameSchema(attempt.known('fence'), pair, attempt.known('schema'), from);
  await requireSameSchema(attempt.control(to), pair, attempt.known('schema'), to);
  const standbys = await awaitStandbysOfBoth(attempt);
  await transition(attempt.control(from), claim, {
    side: from,
    expect: 'open',
    guard: 'armed',
    fenceEpoch: claim.epoch,
    switchoverId: attempt.id,
  });
  const waitedFor = await awaitOlderWriters(
    attempt.control(from),
    pair.gates.writerAgeMaxMs,
    signal,
  );
  const keysLeft = await awaitFewKeys(attempt);
  // A round of the checker that still ran would be waited for inside the window.
  await store.tracking.setDesired(pair.name, from, false);
  const later = await previewSequences(attempt.control(from), attempt.control(to));
  const rates = sequenceRates(
    { atMs: advancedMs, moves: sequences },
    { atMs: context.clock.monotonicMs(), moves: later },
  );
  attempt.learn({ margin: { rates, windowMs: pair.window.maxMs } });
  return {
    round_trip_ms: Math.round(roundTripMs),
    guards_installed: installed,
    sequences: sequences.length,
    standbys,
    sessions_ended: ended,
    writers_waited_for: waitedFor,
    keys_left: keysLeft,
  };
}

/** The armed body costs every statement a lock: back to pass. Links and slots stay for a retry. */
export async function disarm({ context, claimed, from }: Undoing): Promise<void> {
  const session = claimed.control[from];
  if (session && claimed.rows[from]?.state === 'open') {
    await transition(session, claimed.claim, {
      side: from,
      expect: 'open',
      guard: 'pass',
      fenceEpoch: claimed.claim.epoch,
      switchoverId: null,
    });
  }
  const { store, pair } = context;
  for (const side of SIDES) {
    // The loop wishes it again when the store is back: tracking is off whenever nothing switches.
    await store.tracking.setDesired(pair.name, side, false).catch(() => undefined);
  }
}
