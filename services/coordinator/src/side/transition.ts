import { fail } from '@turnout/contracts/errors';
import { otherSide, type Side } from '@turnout/core/sides';
import { guardHint, type GuardKind } from '@turnout/postgres/cluster/guard';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { makeTransition, type Claim } from './sql/side-sql.js';

export interface Change {
  readonly side: Side;
  /** State that must hold before; a transition from another one is refused. */
  readonly expect: 'open' | 'closed';
  /** `closed` closes the side, every other guard has it open. */
  readonly guard: GuardKind;
  readonly fenceEpoch: bigint;
  readonly switchoverId: string | null;
}

/**
 * Changes a side: row and guard together, in one statement, only for who holds the claim and only
 * from the state expected. Closing takes the turnstile within the `lock_timeout` of the session.
 * Runs in the caller's transaction if there is one.
 * @throws TRN5015 when nothing matched
 */
export async function transition(session: Session, claim: Claim, change: Change): Promise<void> {
  const { side, expect, guard, fenceEpoch, switchoverId } = change;
  const hint = guardHint(guard, otherSide(side));
  const statement = makeTransition(claim, { expect, guard, fenceEpoch, switchoverId, hint });
  const [row] = await ask(session, statement);
  if (row?.['done'] !== 't') {
    throw fail('superseded', { side, expected: expect, epoch: String(claim.epoch) });
  }
}
