import { sqlState } from './database-error.js';
import type { Session } from './session.js';
import { inTransaction } from './transaction.js';

const DENIED = '42501';

/**
 * Runs DDL of ours in a transaction of its own in replica role, so that event triggers of users do
 * not fire on it (one that logs into a guarded table would be refused, and our DDL with it). A role
 * that may not set it goes on in its own: preflight refuses such a role before anything is built.
 */
export function inReplicaRole<T>(
  session: Session,
  work: (session: Session) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  return inTransaction(
    session,
    async () => {
      await enterReplicaRole(session);
      return work(session);
    },
    { settings },
  );
}

/** Within a transaction; refused by the server, the transaction goes on as it was. */
async function enterReplicaRole(session: Session): Promise<void> {
  await session.query(/* sql */ `savepoint replica_role`);
  try {
    await session.query(/* sql */ `set local session_replication_role = replica`);
  } catch (thrown) {
    if (sqlState(thrown) !== DENIED) throw thrown;
    await session.query(/* sql */ `rollback to replica_role`);
  }
  await session.query(/* sql */ `release replica_role`);
}
