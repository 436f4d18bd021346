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
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    return /^(23|40)/.test(code) ? 'rolled_back' : 'unknown';
  }
}

/** Ends a transaction whatever its state; a session that does not answer is ended instead. */
export async function rollBack(session: Session, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeoutMs);
  });
  const work = session.query(/* sql */ `rollback`).then(
    () => 'done' as const,
    () => 'done' as const,
  );
  const outcome = await Promise.race([work, expiry]);
  clearTimeout(timer);
  if (outcome === 'late') await session.end().catch(() => undefined);
}
