import { fail } from '@turnout/contracts/errors';
import type { Session } from '@turnout/postgres/session';
import { rollBack } from './commit.js';
import { ask } from './side-row.js';
import { lockClaim, type Actor } from './sql/side-sql.js';

/**
 * Runs `work` in a transaction that first proves that we may still act on this side.
 * @throws TRN5015 when superseded
 */
export async function claimedTransaction<T>(
  session: Session,
  actor: Actor,
  work: () => Promise<T>,
): Promise<T> {
  await session.query(/* sql */ `begin`);
  try {
    const held = await ask(session, lockClaim(actor));
    if (held.length === 0) throw fail('superseded', { epoch: String(actor.epoch) });
    const result = await work();
    const { command } = await session.query(/* sql */ `commit`);
    if (command !== 'COMMIT') throw fail('commit_refused', { answer: command });
    return result;
  } catch (thrown) {
    await rollBack(session, 1_000);
    throw thrown;
  }
}
