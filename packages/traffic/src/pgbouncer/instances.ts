import { messageOf } from '@turnout/core/app-error';
import { openAdminSession, type AdminSession } from '@turnout/postgres/admin-session';
import type { PoolerInstance } from '../route.js';
import { pauseDatabase, resumeDatabase, showDatabase } from './console.js';

/** What happened on one instance; `error` is null where it was done and read back. */
export interface InstanceOutcome {
  readonly instance: string;
  readonly error: string | null;
}

/** Limits of a console: one command, and the whole session. */
export interface ConsoleLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `work` on a console session of its own, which is closed whatever happens. */
export async function withConsole<T>(
  { adminUrl }: PoolerInstance,
  limits: ConsoleLimits,
  work: (session: AdminSession) => Promise<T>,
): Promise<T> {
  const session = await openAdminSession({ url: adminUrl }, limits);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

/** Runs `work` on all instances at once; one that fails does not keep the others from it. */
async function onEach(
  instances: readonly PoolerInstance[],
  limits: ConsoleLimits,
  work: (session: AdminSession, instance: PoolerInstance) => Promise<void>,
): Promise<InstanceOutcome[]> {
  return Promise.all(
    instances.map(async (instance) => {
      try {
        await withConsole(instance, limits, (session) => work(session, instance));
        return { instance: instance.name, error: null };
      } catch (thrown) {
        return { instance: instance.name, error: messageOf(thrown) };
      }
    }),
  );
}

/** Holds the clients of every instance. A PAUSE that timed out may still take effect: resume all. */
export function pauseInstances(
  instances: readonly PoolerInstance[],
  timeoutMs: number,
): Promise<InstanceOutcome[]> {
  return onEach(instances, { timeoutMs }, async (session, { database }) => {
    await pauseDatabase(session, database, timeoutMs);
    // Somebody's RESUME may have come between; what counts is what is true now.
    if (!(await showDatabase(session, database))?.paused) throw new Error('did not stay paused');
  });
}

/** Ends the hold of every instance, over fresh sessions: one that waits in PAUSE is busy. */
export function resumeInstances(
  instances: readonly PoolerInstance[],
  limits: ConsoleLimits,
): Promise<InstanceOutcome[]> {
  return onEach(instances, limits, async (session, { database }) => {
    await resumeDatabase(session, database);
    const state = await showDatabase(session, database);
    if (state === null || state.paused) throw new Error('could not be read back as resumed');
  });
}

/** The outcomes that are not what was wanted. */
export function failuresOf(outcomes: readonly InstanceOutcome[]): InstanceOutcome[] {
  return outcomes.filter(({ error }) => error !== null);
}
