import { fail } from '@turnout/contracts/errors';
import { commit } from '../commit.js';
import type { Run } from '../run.js';
import { ask, readSideRow } from '../side-row.js';
import { ping } from '../sql/drain-sql.js';
import { advanceSequences } from '../../side/sequences.js';
import { awaitStandbys } from '../standbys.js';
import { UnknownOutcome } from '../unknown-outcome.js';
import type { StepAction } from './step.js';

const COMMIT_TIMEOUT_MS = 5_000;

/** C1: from here on this side is closed for good, unless `to` can be proven unopened. */
async function commitFence(run: Run): Promise<void> {
  const { fence, control } = run.opened();
  run.decided = true;
  const outcome = await commit(fence, COMMIT_TIMEOUT_MS);
  if (outcome === 'unknown') throw new UnknownOutcome('C1');
  const row = await readSideRow(control[run.from]);
  const closed = row.state === 'closed' && row.fenceEpoch === run.fenceEpoch;
  if (outcome === 'rolled_back' || !closed) {
    run.decided = false;
    throw fail('commit_refused', { commit: 'C1', state: row.state });
  }
  run.deps.logger.info({ switchover: run.id, commit: 'C1' }, 'committed');
}

/** C2: `to` is open. Counts only when another session of that side reads it. */
export async function commitPrepare(run: Run): Promise<void> {
  const { prepare, control } = run.opened();
  const outcome = await commit(prepare, COMMIT_TIMEOUT_MS);
  if (outcome !== 'committed') throw new UnknownOutcome('C2');
  const row = await readSideRow(control[run.to]);
  if (row.state !== 'open' || row.fenceEpoch !== run.fenceEpoch) throw new UnknownOutcome('C2');
  run.prepared = false;
  run.deps.logger.info({ switchover: run.id, commit: 'C2' }, 'committed');
  await awaitStandbys(control[run.to]);
}

export const decide: StepAction = {
  async act(run) {
    const { prepare, control } = run.opened();
    run.abort.signal.throwIfAborted();
    const alive = await ask(prepare, ping(run.acting()));
    if (alive.length === 0) throw fail('superseded', { side: run.to });
    if (run.windowLeftMs() === 0) throw fail('step_timed_out', { step: 'decide' });
    await commitFence(run);
    await awaitStandbys(control[run.from]).catch((thrown: unknown) => {
      throw new UnknownOutcome('C1', thrown);
    });
    // nextval passes the fence until C1: read the sequences once more, now that nothing can.
    run.sequences = await advanceSequences(control[run.from], control[run.to]);
    await commitPrepare(run);
    return { fence_epoch: String(run.fenceEpoch) };
  },
};
