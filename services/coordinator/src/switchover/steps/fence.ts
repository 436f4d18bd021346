import { fail } from '@turnout/contracts/errors';
import { backoffMs } from '@turnout/core/backoff';
import { pause } from '@turnout/core/waiting';
import { guardBody } from '@turnout/postgres/cluster/guard';
import { rollBack } from '../commit.js';
import type { Run } from '../run.js';
import { ask } from '../side-row.js';
import { lockTurnstile } from '../sql/drain-sql.js';
import { closeSide } from '../sql/side-sql.js';
import type { StepAction } from './step.js';

const LOCK_NOT_AVAILABLE = '55P03';

/** One attempt: side row first, for a superseded coordinator must not hold the turnstile. */
async function tryFence(run: Run): Promise<boolean> {
  const { fence } = run.opened();
  await fence.query(/* sql */ `begin`);
  try {
    const closed = await ask(fence, closeSide(run.acting(), run.id));
    if (closed.length === 0) throw fail('superseded', { epoch: String(run.acting().epoch) });
    await ask(fence, lockTurnstile);
    await fence.query(guardBody('closed', { otherSide: run.to }));
    return true;
  } catch (thrown) {
    await rollBack(fence, 1_000);
    if (thrown instanceof Error && 'code' in thrown && thrown.code === LOCK_NOT_AVAILABLE) {
      return false;
    }
    throw thrown;
  }
}

export const fence: StepAction = {
  async act(run) {
    run.openWindow();
    const { attemptsMax } = run.deps.pair.window;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      run.abort.signal.throwIfAborted();
      if (run.windowLeftMs() === 0) break;
      if (await tryFence(run)) {
        run.fenced = true;
        run.fenceEpoch = run.acting().epoch;
        return { attempts: attempt + 1, fence_epoch: String(run.fenceEpoch) };
      }
      // Queued writers go on between two attempts, so one long writer does not starve the others.
      await pause(backoffMs(attempt, { firstMs: 20, maxMs: 200 }), run.abort.signal);
    }
    throw fail('fence_timed_out', { attempts: attemptsMax });
  },
  async undo(run) {
    const session = run.sessions?.fence;
    if (session) await rollBack(session, 2_000);
    run.fenced = false;
  },
};
