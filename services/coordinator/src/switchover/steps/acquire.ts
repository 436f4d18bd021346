import { fail } from '@turnout/contracts/errors';
import { takeOver } from '../claim.js';
import { holdLease } from '../lease.js';
import type { Run } from '../run.js';
import { endSessions, openRoleSession, renameSession } from '../sessions.js';
import type { SideRow } from '../side-row.js';
import type { Side } from '@turnout/core/sides';
import type { StepAction } from './step.js';

/** Opens all sessions, takes the lease and claims both sides; returns what is true on them. */
export async function acquireBoth(run: Run): Promise<Record<Side, SideRow>> {
  const { pair } = run.deps;
  run.lease = await holdLease(run.deps, `pair/${pair.name}`);
  run.lease.lost.addEventListener('abort', () => run.abort.abort(fail('lease_lost', {})), {
    once: true,
  });
  const epoch = run.lease.epoch;
  const blue = await openRoleSession(pair, 'blue', 'control', epoch);
  const green = await openRoleSession(pair, 'green', 'control', epoch);
  const control = { blue, green };
  const fence = await openRoleSession(pair, run.from, 'fence', epoch);
  const prepare = await openRoleSession(pair, run.to, 'prepare', epoch);
  run.sessions = { control, fence, prepare };
  // Our own names must carry the new epoch before predecessors are terminated by it.
  const { actor, rows } = await takeOver(
    control,
    { from: run.from, to: run.to, pair: pair.name, leaseEpoch: epoch },
    async (next) => {
      await Promise.all([
        renameSession(blue, next, 'control', pair.name),
        renameSession(green, next, 'control', pair.name),
        renameSession(fence, next, 'fence', pair.name),
        renameSession(prepare, next, 'prepare', pair.name),
      ]);
    },
  );
  run.actor = actor;
  return rows;
}

/** Gives back whatever `acquireBoth` took; also the last act of every switch. */
export async function releaseBoth(run: Run): Promise<void> {
  await endSessions(run.sessions);
  run.sessions = null;
  await run.lease?.release();
  run.lease = null;
}

export const acquire: StepAction = {
  async act(run) {
    const rows = await acquireBoth(run);
    const { from, to } = run;
    if (rows[from].state !== 'open' || rows[to].state !== 'closed') {
      throw fail('expectation_failed', { [from]: rows[from].state, [to]: rows[to].state });
    }
    return { epoch: String(run.acting().epoch), holder: run.acting().holder };
  },
  undo: releaseBoth,
};
