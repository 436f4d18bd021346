import { fail, isError } from '@turnout/contracts/errors';
import { isSuperseded } from './superseded.js';
import { backoffMs } from '@turnout/core/backoff';
import { pause } from '@turnout/core/waiting';
import { guardBody } from '@turnout/postgres/cluster/guard';
import { claimedTransaction } from './claimed-transaction.js';
import { rollBack } from './commit.js';
import { reasonOf } from './recorder.js';
import type { Run } from './run.js';
import { ask } from './side-row.js';
import { openSide } from './sql/side-sql.js';
import { endSessions } from './sessions.js';
import { advanceSequences } from '../side/sequences.js';
import { awaitStandbys } from './standbys.js';
import { acquireBoth } from './steps/acquire.js';
import { commitPrepare } from './steps/decide.js';
import { drainNow } from './steps/drain.js';
import { prepareNow } from './steps/prepare.js';

export type Settled = 'committed' | 'undone';

const SETTLE_DRAIN_TIMEOUT_MS = 60_000;

/**
 * Finds out what a switch came to and finishes it, for a commit whose answer was lost and for a
 * switch that a dead coordinator left behind. Everything starts with a fresh epoch claimed on both
 * sides, which also waits for whatever the predecessor had in flight (PROTOCOL 2.2, 8.6).
 *
 * | from   | to     | means                                   | then                      |
 * |--------|--------|-----------------------------------------|---------------------------|
 * | open   | closed | C1 did not happen                       | undone                    |
 * | closed | closed | between C1 and C2                       | prove again, open `to`    |
 * | closed | open   | decided                                 | committed                 |
 * | open   | open   | a fence was lost; no rule is left       | TRN5018, a person decides |
 */
async function settle(run: Run): Promise<Settled> {
  await endSessions(run.sessions);
  run.sessions = null;
  run.fenced = false;
  run.prepared = false;
  await run.lease?.release();
  run.lease = null;
  const rows = await acquireBoth(run);
  const { state: from, fenceEpoch } = rows[run.from];
  const { state: to } = rows[run.to];
  if (from === 'open' && to === 'open') throw fail('fence_lost', { side: run.from });
  if (from === 'open') {
    await disarm(run);
    return 'undone';
  }
  run.decided = true;
  run.fenceEpoch = fenceEpoch;
  return to === 'open' ? 'committed' : openTarget(run);
}

/**
 * `from` is closed durably. Prove the drain anew, for `to` may have crashed since, and open it; when
 * that cannot be had, go back: our claim on `to` has made an opening at the old epoch impossible.
 */
async function openTarget(run: Run): Promise<Settled> {
  const { control, prepare } = run.opened();
  try {
    await awaitStandbys(control[run.from]);
    await drainNow(run, SETTLE_DRAIN_TIMEOUT_MS);
    run.sequences = await advanceSequences(control[run.from], control[run.to]);
    await prepareNow(run);
  } catch (thrown) {
    run.deps.logger.error({ switchover: run.id, reason: reasonOf(thrown) }, 'going back');
    await rollBack(prepare, 1_000);
    await reopenSource(run);
    return 'undone';
  }
  await commitPrepare(run);
  return 'committed';
}

async function reopenSource(run: Run): Promise<void> {
  const { control } = run.opened();
  const actor = run.acting();
  await claimedTransaction(control[run.from], actor, async () => {
    await ask(control[run.from], openSide(actor, actor.epoch, run.id));
    await control[run.from].query(guardBody('armed'));
    await control[run.from].query(guardBody('pass'));
  });
  await awaitStandbys(control[run.from]);
  run.armed = false;
  run.decided = false;
}

/** `from` never closed: its guard may still be armed by the one who died. */
async function disarm(run: Run): Promise<void> {
  const { control } = run.opened();
  await claimedTransaction(control[run.from], run.acting(), () =>
    control[run.from].query(guardBody('pass')),
  );
  run.armed = false;
  run.decided = false;
}

const SETTLE_ATTEMPTS_MAX = 10;

/** Settles until nothing is unknown: each lost answer is a fresh reason to claim and look again. */
export async function settleUntilKnown(run: Run): Promise<Settled> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await settle(run);
    } catch (thrown) {
      const final = isSuperseded(thrown) || isError(thrown, 'fence_lost');
      if (final || attempt >= SETTLE_ATTEMPTS_MAX) throw thrown;
      run.deps.logger.warn({ switchover: run.id, reason: reasonOf(thrown) }, 'settling again');
      await pause(backoffMs(attempt, { firstMs: 100, maxMs: 5_000 }));
    }
  }
}
