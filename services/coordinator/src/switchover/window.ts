import { fail, isError } from '@turnout/contracts/errors';
import { backoffMs } from '@turnout/core/backoff';
import { pause, waitUntil } from '@turnout/core/waiting';
import { sqlState } from '@turnout/postgres/database-error';
import type { Session } from '@turnout/postgres/session';
import { closeLink, lockDrainProof } from '../side/sql/drain-sql.js';
import { proveDrain, provesSame, readProof, type DrainProof } from '../side/drain.js';
import { requireSameSchema } from '../side/schema-view.js';
import { advanceSequences } from '../side/sequences.js';
import { ask } from '../side/side-row.js';
import type { Claim } from '../side/sql/side-sql.js';
import { transition } from '../side/transition.js';
import { proveNoBypass } from '../side/writers.js';
import type { Attempt } from './attempt.js';
import { awaitStandbysOfBoth } from './before.js';
import type { StepDetail, Undoing } from './step.js';

const LOCK_NOT_AVAILABLE = '55P03';
const CHECK_POLL_MS = 2;
const HOLD_TIMEOUT_MS = 2_000;
const RESUME_TIMEOUT_MS = 5_000;

export async function hold(attempt: Attempt): Promise<StepDetail> {
  attempt.openWindow();
  const { from, context } = attempt;
  const { routes, pair } = context;
  const guardian = await routes.hold({
    from,
    fromEndpoint: pair[from],
    deadlineMs: pair.window.maxMs,
    timeoutMs: Math.min(HOLD_TIMEOUT_MS, pair.window.maxMs),
    signal: attempt.signal,
  });
  attempt.learn({ guardian });
  return { poolers: routes.poolerCount };
}

export async function resumePoolers({ context }: Undoing): Promise<void> {
  const outcomes = await context.routes.resume({ deadlineMs: RESUME_TIMEOUT_MS });
  const left = outcomes.filter(({ ok }) => !ok);
  if (left.length > 0) {
    throw fail('pooler_not_paused', { not_resumed: left.map(({ route }) => route).join(' ') });
  }
}

/** One attempt: the row first, for a superseded coordinator must not hold the turnstile. */
async function tryFence(attempt: Attempt): Promise<boolean> {
  const session = attempt.known('fence');
  const { claim } = attempt.known('claimed');
  await session.query(/* sql */ `begin`);
  try {
    await transition(session, claim, {
      side: attempt.from,
      expect: 'open',
      guard: 'closed',
      fenceEpoch: claim.epoch,
      switchoverId: attempt.id,
    });
    return true;
  } catch (thrown) {
    if (sqlState(thrown) !== LOCK_NOT_AVAILABLE) throw thrown;
    await session.query(/* sql */ `rollback`);
    return false;
  }
}

export async function fence(attempt: Attempt): Promise<StepDetail> {
  attempt.openWindow();
  const { attemptsMax } = attempt.context.pair.window;
  for (let tries = 0; tries < attemptsMax; tries += 1) {
    attempt.signal.throwIfAborted();
    if (attempt.windowLeftMs() === 0) break;
    if (await tryFence(attempt)) {
      const fenceEpoch = attempt.known('claimed').claim.epoch;
      attempt.learn({ fenceEpoch });
      return { attempts: tries + 1, fence_epoch: String(fenceEpoch) };
    }
    // Queued writers go on between two tries, so one long writer does not starve the others.
    await pause(backoffMs(tries, { firstMs: 20, maxMs: 200 }), attempt.signal);
  }
  throw fail('fence_timed_out', { attempts: attemptsMax });
}

export async function drain(attempt: Attempt): Promise<StepDetail> {
  const { from, to, oldLink, context } = attempt;
  const cancelled = await proveNoBypass(attempt.control(from));
  const ends = { from, link: oldLink, source: attempt.control(from), target: attempt.control(to) };
  // The catalogue is read on the fence connection while the marker travels.
  const [proof] = await Promise.all([
    proveDrain(ends, attempt.windowLeftMs(), attempt.signal),
    requireSameSchema(attempt.known('fence'), context.pair, attempt.known('schema'), from),
  ]);
  attempt.learn({ proof });
  const standbys = await awaitStandbysOfBoth(attempt);
  return {
    marker_lsn: proof.sourceLsn,
    user_lsn: proof.userLsn,
    standbys,
    sessions_cancelled: cancelled.length,
  };
}

async function finalCheck(attempt: Attempt): Promise<number> {
  const { context, from, to } = attempt;
  const { store, pair } = context;
  const { sourceLsn } = attempt.known('proof');
  const params = { source: from, target: to, drainLsn: sourceLsn };
  const checkId = await store.checks.request(pair.name, 'final', params);
  attempt.learn({ checkId });
  const check = await waitUntil(
    async () => {
      const row = await store.checks.get(checkId);
      return row && row.outcome !== null && row.outcome !== 'running' ? row : undefined;
    },
    {
      timeoutMs: attempt.windowLeftMs(),
      intervalMs: CHECK_POLL_MS,
      signal: attempt.signal,
      onTimeout: () => fail('step_timed_out', { step: 'verify', check: checkId }),
    },
  );
  if (check.outcome === 'different') {
    throw fail('final_check_different', { check: checkId, differences: check.differences });
  }
  if (check.outcome !== 'equal') {
    throw fail('check_inconclusive', { check: checkId, reason: check.reason ?? null });
  }
  return check.rowsCompared;
}

export async function verify(attempt: Attempt): Promise<StepDetail> {
  const { from, to } = attempt;
  const [rows, sequences] = await Promise.all([
    finalCheck(attempt),
    advanceSequences(attempt.control(from), attempt.control(to), attempt.known('margin')),
  ]);
  attempt.learn({ sequences });
  const check = attempt.known('checkId');
  return { check, rows_compared: rows, sequences: sequences.length };
}

export interface Opening {
  readonly session: Session;
  readonly claim: Claim;
  readonly fenceEpoch: bigint;
  readonly proof: DrainProof;
}

/**
 * Opens `to` in a transaction that is left open. The drain proof is read again on this very session
 * with the progress row locked: losing the session voids both together.
 * @throws TRN5009 when a user change arrived after the drain
 */
export async function openInTransaction(attempt: Attempt, opening: Opening): Promise<void> {
  const { from, to, oldLink, id } = attempt;
  const { session, claim, fenceEpoch, proof } = opening;
  await session.query(/* sql */ `begin`);
  await transition(session, claim, {
    side: to,
    expect: 'closed',
    guard: 'pass',
    fenceEpoch,
    switchoverId: id,
  });
  const again = await readProof(session, lockDrainProof(from, oldLink), proof.token);
  if (!again || !provesSame(proof, again)) {
    throw fail('drain_timed_out', { reason: 'a user change came after the drain', link: oldLink });
  }
  const closed = await ask(session, closeLink(oldLink, fenceEpoch, again.sourceLsn, again.userLsn));
  if (closed.length === 0) {
    throw fail('drain_timed_out', { reason: 'the old link moved on', link: oldLink });
  }
}

export async function prepare(attempt: Attempt): Promise<StepDetail> {
  const fenceEpoch = attempt.known('fenceEpoch');
  await openInTransaction(attempt, {
    session: attempt.known('prepare'),
    claim: attempt.known('claimed').claim,
    fenceEpoch,
    proof: attempt.known('proof'),
  }).catch((thrown: unknown) => {
    // Seen on the side itself: no other coordinator may go on either, so the report names the side.
    throw isError(thrown, 'superseded') ? fail('superseded', { side: attempt.to }, thrown) : thrown;
  });
  return { opens: attempt.to, switch_epoch: String(fenceEpoch) };
}
