import { fail, isError } from '@turnout/contracts/errors';
import type { Session } from '@turnout/postgres/session';
import { commit, commitReplicated } from '../side/commit.js';
import { ask, readSideRow } from '../side/side-row.js';
import { ping, raiseClaimOfClosed, writeCertificate, type Claim } from '../side/sql/side-sql.js';
import { advanceSequences } from '../side/sequences.js';
import { commitLocally } from '../side/sql/standby-sql.js';
import { awaitStandbys, unreplicated } from '../side/standbys.js';
import { transition } from '../side/transition.js';
import { proveNoBypass } from '../side/writers.js';
import type { Attempt } from './attempt.js';
import { makeCertificate } from './certificate.js';
import type { StepDetail } from './step.js';

const COMMIT_TIMEOUT_MS = 5_000;

/**
 * C1: from here on this side is closed for good, unless `to` can be proven unopened.
 * @throws TRN5029 when a synchronous standby does not take it, TRN5021
 */
async function commitFence(attempt: Attempt): Promise<void> {
  const { from } = attempt;
  const { standbyWaitMs } = attempt.context.pair.window;
  attempt.decided = true;
  const outcome = await commitReplicated(attempt.known('fence'), {
    watcher: attempt.control(from),
    standbyWaitMs,
    timeoutMs: COMMIT_TIMEOUT_MS,
  });
  if (outcome === 'unknown') throw fail('commit_unknown', { commit: 'C1', side: from });
  const row = await readSideRow(attempt.control(from));
  const closed = row.state === 'closed' && row.fenceEpoch === attempt.known('fenceEpoch');
  if (outcome === 'rolled_back' || !closed) {
    throw fail('commit_refused', { commit: 'C1', side: from, state: row.state });
  }
  if (outcome === 'unreplicated') throw unreplicated(from, standbyWaitMs);
  await attempt.context.failpoint('C1');
}

/** C2: `to` is open. Counts only when another session of that side reads it. @throws TRN5021 */
export async function commitOpening(
  attempt: Attempt,
  { session, fenceEpoch }: { readonly session: Session; readonly fenceEpoch: bigint },
): Promise<void> {
  const { to } = attempt;
  const outcome = await commit(session, COMMIT_TIMEOUT_MS);
  if (outcome !== 'committed') throw fail('commit_unknown', { commit: 'C2', side: to });
  const row = await readSideRow(attempt.control(to));
  if (row.state !== 'open' || row.fenceEpoch !== fenceEpoch) {
    throw fail('commit_unknown', { commit: 'C2', side: to, state: row.state });
  }
  await attempt.context.failpoint('C2');
}

/**
 * A standby of `from` does not take C1: promoted, it would be open again. Back, under our own claims:
 * claiming `from` anew would wait for the same standby. Once our claim of `to` is raised there, an
 * opening under the old epoch is impossible, and only then `from` opens again.
 * @throws TRN5021 when `to` was opened in spite of it
 */
async function goBack(attempt: Attempt, claim: Claim): Promise<void> {
  const { from, to, context } = attempt;
  const { standbys: policy, window } = context.pair;
  const next = claim.epoch + 1n;
  const prepare = attempt.known('prepare');
  await prepare.query(/* sql */ `rollback`);
  const raised = await ask(attempt.control(to), raiseClaimOfClosed(claim, next));
  if (raised.length === 0) throw fail('commit_unknown', { commit: 'C2', side: to });
  await awaitStandbys(attempt.control(to), { side: to, policy, timeoutMs: window.standbyWaitMs });
  await ask(attempt.control(from), commitLocally);
  await transition(attempt.control(from), claim, {
    side: from,
    expect: 'closed',
    guard: 'pass',
    fenceEpoch: next,
    switchoverId: attempt.id,
  });
}

export async function decide(attempt: Attempt): Promise<StepDetail> {
  const { from, to, signal, context } = attempt;
  const { claim } = attempt.known('claimed');
  const { standbys: policy, window } = context.pair;
  const certificate = { ...makeCertificate(attempt) };
  attempt.learn({ certificate });
  const text = JSON.stringify(certificate);
  const written = await ask(attempt.known('fence'), writeCertificate(claim, text));
  if (written.length === 0) throw fail('superseded', { side: from });
  // Every session that is needed between the commits answers now, or nothing is committed.
  const [prepared, reads] = await Promise.all([
    ask(attempt.known('prepare'), ping(claim)),
    ask(attempt.control(to), ping(claim)),
    proveNoBypass(attempt.control(from)),
  ]);
  if (prepared.length === 0 || reads.length === 0) throw fail('superseded', { side: to });
  signal.throwIfAborted();
  if (attempt.windowLeftMs() === 0) throw fail('step_timed_out', { step: 'decide' });
  try {
    await commitFence(attempt);
    const wait = { side: from, policy, timeoutMs: window.standbyWaitMs };
    await awaitStandbys(attempt.control(from), wait);
  } catch (thrown) {
    if (isError(thrown, 'standby_behind')) await goBack(attempt, claim);
    throw thrown;
  }
  // nextval passes the fence until C1: read the sequences once more, now that nothing can.
  const margin = attempt.known('margin');
  const ends = [attempt.control(from), attempt.control(to)] as const;
  attempt.learn({ sequences: await advanceSequences(...ends, margin) });
  const fenceEpoch = attempt.known('fenceEpoch');
  await commitOpening(attempt, { session: attempt.known('prepare'), fenceEpoch });
  return { fence_epoch: String(fenceEpoch) };
}
