import { fail } from '@turnout/contracts/errors';
import { otherSide, type Side } from '@turnout/core/sides';
import { guardBody } from '@turnout/postgres/cluster/guard';
import type { PairContext } from '../context.js';
import { holdLease } from '../switchover/lease.js';
import { claimedTransaction } from '../switchover/claimed-transaction.js';
import { takeOver } from '../switchover/claim.js';
import { openRoleSession, renameSession } from '../switchover/sessions.js';
import { ask, type SideRow } from '../switchover/side-row.js';
import { closeSide } from '../switchover/sql/side-sql.js';

/**
 * Both sides say open: one of them lost its fence (a restored backup, a promoted standby, a hand).
 * The one fenced earlier is closed again at once, and a person is told.
 */
export async function refence(
  context: PairContext,
  rows: Readonly<Record<Side, SideRow>>,
): Promise<void> {
  const { pair, store, logger } = context;
  const lost: Side = rows.blue.fenceEpoch > rows.green.fenceEpoch ? 'green' : 'blue';
  const keeps = otherSide(lost);
  const lease = await holdLease(context, `pair/${pair.name}`);
  const blue = await openRoleSession(pair, 'blue', 'control', lease.epoch);
  const green = await openRoleSession(pair, 'green', 'control', lease.epoch);
  const control = { blue, green };
  try {
    const { actor, rows: now } = await takeOver(
      control,
      { from: lost, to: keeps, pair: pair.name, leaseEpoch: lease.epoch },
      async (epoch) => {
        await renameSession(blue, epoch, 'control', pair.name);
        await renameSession(green, epoch, 'control', pair.name);
      },
    );
    if (now.blue.state !== 'open' || now.green.state !== 'open') return;
    await claimedTransaction(control[lost], actor, async () => {
      await ask(control[lost], closeSide(actor, 'refenced'));
      await control[lost].query(guardBody('closed', { otherSide: keeps }));
    });
    const error = fail('fence_lost', { side: lost });
    logger.error({ pair: pair.name, side: lost, code: error.code }, error.message);
    await store.journal.append(pair.name, {
      type: 'fence_lost',
      data: { side: lost, code: error.code },
      actor: 'coordinator',
      accepted: true,
    });
  } finally {
    await Promise.all([blue, green].map((session) => session.end().catch(() => undefined)));
    await lease.release();
  }
}
