import { fail } from '@turnout/contracts/errors';
import { must } from '@turnout/core/assert';
import { guardBody } from '@turnout/postgres/cluster/guard';
import { rollBack } from '../commit.js';
import { provesSame, readProof } from '../drain.js';
import type { Run } from '../run.js';
import { ask } from '../side-row.js';
import { closeLink, lockDrainProof } from '../sql/drain-sql.js';
import { openSide } from '../sql/side-sql.js';
import type { StepAction } from './step.js';

/**
 * Opens `to` in a transaction that is left open. The drain proof is read again on this very session
 * with the progress row locked: losing the session voids both together.
 */
export async function prepareNow(run: Run): Promise<void> {
  const { prepare } = run.opened();
  const proof = must(run.proof, 'prepare runs after drain');
  const fenceEpoch = must(run.fenceEpoch, 'prepare runs after fence');
  await prepare.query(/* sql */ `begin`);
  try {
    const opened = await ask(prepare, openSide(run.acting(), fenceEpoch, run.id));
    if (opened.length === 0) throw fail('superseded', { side: run.to });
    const again = await readProof(prepare, lockDrainProof(run.from, run.oldLink), proof.token);
    if (!again || !provesSame(proof, again)) {
      throw fail('drain_timed_out', {
        reason: 'a user change arrived after the drain',
        link: run.oldLink,
      });
    }
    await prepare.query(guardBody('pass'));
    const closed = await ask(
      prepare,
      closeLink(run.oldLink, fenceEpoch, again.sourceLsn, again.userLsn),
    );
    if (closed.length === 0) throw fail('drain_timed_out', { reason: 'the old link moved on' });
    run.prepared = true;
  } catch (thrown) {
    await rollBack(prepare, 1_000);
    throw thrown;
  }
}

export const prepare: StepAction = {
  async act(run) {
    await prepareNow(run);
    return { opens: run.to, switch_epoch: String(run.fenceEpoch) };
  },
  async undo(run) {
    const session = run.sessions?.prepare;
    if (session) await rollBack(session, 2_000);
    run.prepared = false;
  },
};
