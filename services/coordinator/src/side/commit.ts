import { sqlState } from '@turnout/postgres/database-error';
import type { Session } from '@turnout/postgres/session';

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
