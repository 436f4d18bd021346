import { fail } from '@turnout/contracts/errors';
import { proveDrain } from '../drain.js';
import type { Run } from '../run.js';
import { readFingerprint } from '../../side/schema-freeze.js';
import { awaitStandbys } from '../standbys.js';
import { proveNoBypass } from '../writers.js';
import type { StepAction } from './step.js';

/** No writer but the queued ones, and everything they ever committed durable on `to`. */
export async function drainNow(run: Run, timeoutMs: number): Promise<string[]> {
  const { control } = run.opened();
  const cancelled = await proveNoBypass(control[run.from]);
  run.proof = await proveDrain(
    {
      from: run.from,
      link: run.oldLink,
      source: control[run.from],
      target: control[run.to],
    },
    timeoutMs,
    run.decided ? undefined : run.abort.signal,
  );
  await awaitStandbys(control[run.to]);
  return cancelled;
}

export const drain: StepAction = {
  async act(run) {
    const { fence } = run.opened();
    const fingerprint = await readFingerprint(fence, run.deps.pair);
    if (fingerprint !== run.fingerprint) {
      throw fail('schema_changed', { side: run.from, reason: 'a table changed after arming' });
    }
    const cancelled = await drainNow(run, run.windowLeftMs());
    return {
      marker_lsn: run.proof?.sourceLsn ?? null,
      user_lsn: run.proof?.userLsn ?? null,
      sessions_cancelled: cancelled.length,
    };
  },
};
