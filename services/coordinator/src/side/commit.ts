import { sqlState } from '@turnout/postgres/database-error';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { cancelStandbyWait } from './sql/standby-sql.js';

/**
 * `committed` only when the server says so: a failed transaction answers ROLLBACK without an error,
 * and an answer that never came says nothing at all.
 */
export type CommitOutcome = 'committed' | 'rolled_back' | 'unknown';

export async function commit(session: Session, timeoutMs: number): Promise<CommitOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<'unknown'>((resolve) => {
    timer = setTimeout(() => resolve('unknown'), timeoutMs);
  });
  try {
    return await Promise.race([sendCommit(session), expiry]);
  } finally {
    clearTimeout(timer);
  }
}

export interface CommitWatch {
  /** Another session of the same server. */
  readonly watcher: Session;
  /** How long the server may wait for its synchronous standbys. */
  readonly standbyWaitMs: number;
  readonly timeoutMs: number;
}

/**
 * A COMMIT that a synchronous standby keeps waiting has happened on this server already, but nobody
 * sees it and nothing ends the wait: `statement_timeout` is off by then. Its wait is cancelled, and
 * `unreplicated` says that a standby which is promoted does not have it.
 */
export async function commitReplicated(
  session: Session,
  { watcher, standbyWaitMs, timeoutMs }: CommitWatch,
): Promise<CommitOutcome | 'unreplicated'> {
  const pid = (session as unknown as { processID: number }).processID;
  let cancelled = false;
  const timer = setTimeout(() => {
    ask(watcher, cancelStandbyWait(pid)).then(
      (rows) => {
        cancelled = rows.length > 0;
      },
      // The answer stays unknown: settling finds out.
      () => undefined,
    );
  }, standbyWaitMs);
  try {
    const outcome = await commit(session, standbyWaitMs + timeoutMs);
    return cancelled && outcome === 'committed' ? 'unreplicated' : outcome;
  } finally {
    clearTimeout(timer);
  }
}

async function sendCommit(session: Session): Promise<CommitOutcome> {
  try {
    const { command } = await session.query(/* sql */ `commit`);
    return command === 'COMMIT' ? 'committed' : 'rolled_back';
  } catch (thrown) {
    // A refusal with an SQLSTATE is an answer only if the server could still take one; a deferred
    // constraint fails the commit, a lost connection leaves it open.
    return /^(23|40)/.test(sqlState(thrown) ?? '') ? 'rolled_back' : 'unknown';
  }
}
