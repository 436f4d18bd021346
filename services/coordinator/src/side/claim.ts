import { randomUUID } from 'node:crypto';
import { fail, isError } from '@turnout/contracts/errors';
import { SIDES, type Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { sqlState } from '@turnout/postgres/database-error';
import { destroySession, type Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { openRoleSession } from './sessions.js';
import { ask, readSideRow, type SideRow } from './side-row.js';
import { claimSide, terminatePredecessors, type Claim } from './sql/side-sql.js';
import { commitLocally } from './sql/standby-sql.js';
import { awaitStandbys } from './standbys.js';

const TERMINATE_TIMEOUT_MS = 5_000;
/** A predecessor's COMMIT that waits for a standby holds the row; its session was ended before. */
const CLAIM_TIMEOUT_MS = 8_000;
const LOCK_NOT_AVAILABLE = '55P03';

/** What has been claimed: who acts, with a control session and the settled row of each side. */
export interface Claimed {
  readonly claim: Claim;
  readonly control: Readonly<Partial<Record<Side, Session>>>;
  readonly rows: Readonly<Partial<Record<Side, SideRow>>>;
}

/** epoch = max(lease, claims and fences of both sides) + 1: the sides win over a restored store. */
export function nextEpoch(leaseEpoch: bigint, rows: readonly (SideRow | null)[]): bigint {
  const seen = rows.flatMap((row) => (row ? [row.claimEpoch, row.fenceEpoch] : []));
  return seen.reduce((highest, epoch) => (epoch > highest ? epoch : highest), leaseEpoch) + 1n;
}

/** Terminates sessions of earlier coordinators and waits until they are gone. */
async function endPredecessors(session: Session, epoch: bigint, pair: string): Promise<void> {
  await waitUntil(
    async () => {
      const left = await ask(session, terminatePredecessors(epoch, pair));
      return left.length === 0 ? true : undefined;
    },
    {
      timeoutMs: TERMINATE_TIMEOUT_MS,
      intervalMs: 10,
      onTimeout: () => fail('superseded', { reason: 'sessions of a predecessor do not end' }),
    },
  );
}

interface Claiming {
  readonly side: Side;
  readonly pair: ResolvedPair;
  readonly counts?: boolean | undefined;
}

/**
 * Claims one side and reads it. The claim waits for a predecessor's COMMIT, so what is read
 * afterwards is settled; it counts only when the standbys of the side have it.
 * @throws TRN5015 when a higher epoch holds the side, TRN5012 when the row stays locked, TRN5029
 */
export async function claim(
  session: Session,
  claimed: Claim,
  { side, pair, counts = true }: Claiming,
): Promise<SideRow> {
  if (!counts) await ask(session, commitLocally);
  const matched = await waitUntil(
    async () => {
      try {
        return await ask(session, claimSide(claimed));
      } catch (thrown) {
        // The row is locked by a commit that waits: keep waiting, the outcome is not known yet.
        if (sqlState(thrown) === LOCK_NOT_AVAILABLE) return undefined;
        throw thrown;
      }
    },
    {
      timeoutMs: CLAIM_TIMEOUT_MS,
      intervalMs: 50,
      onTimeout: () => fail('operator_needed', { side, reason: 'the side could not be claimed' }),
    },
  );
  const row = await readSideRow(session);
  if (row.pair !== pair.name || row.side !== side) {
    throw fail('database_of_another_pair', { side, found_pair: row.pair, found_side: row.side });
  }
  if (matched.length === 0 && row.holder !== claimed.holder) {
    throw fail('superseded', {
      side,
      claim_epoch: String(row.claimEpoch),
      epoch: String(claimed.epoch),
    });
  }
  if (!counts) return row;
  const { standbys: policy, window } = pair;
  await awaitStandbys(session, { side, policy, timeoutMs: window.standbyWaitMs });
  return row;
}

export interface TakeOver {
  readonly pair: ResolvedPair;
  /** Claimed in this order; `from` of a switch first. */
  readonly sides: readonly Side[];
  /** A side that does not answer is left out when it is named here. */
  readonly optional?: readonly Side[] | undefined;
  /**
   * Sides whose claim is used at once, without their standbys: enough to close a side or to leave it
   * open, when the stalled standby may be the very reason for it. Whoever goes on to open the other
   * side waits for these standbys first: that flushes the claim too.
   */
  readonly uncounted?: readonly Side[] | undefined;
  readonly epoch: bigint;
}

/**
 * Takes over: sessions of predecessors are ended on every side, then the sides are claimed in order
 * and read. On a failure nothing of ours stays open.
 * @throws TRN2001 for a side that is needed and does not answer, TRN5015, TRN5012, TRN5029
 */
export async function takeOver({
  pair,
  sides,
  optional = [],
  uncounted = [],
  epoch,
}: TakeOver): Promise<Claimed> {
  const claimed: Claim = { epoch, holder: randomUUID() };
  const control: Partial<Record<Side, Session>> = {};
  const rows: Partial<Record<Side, SideRow>> = {};
  try {
    for (const side of sides) {
      await spareOptional(side, async () => {
        control[side] = await openRoleSession(pair, side, 'control', epoch);
        await endPredecessors(control[side], epoch, pair.name);
      });
    }
    for (const side of sides.filter((each) => control[each])) {
      await spareOptional(side, async () => {
        const counts = !uncounted.includes(side);
        rows[side] = await claim(control[side]!, claimed, { side, pair, counts });
      });
    }
    return { claim: claimed, control, rows };
  } catch (thrown) {
    endClaimed(control);
    throw thrown;
  }

  async function spareOptional(side: Side, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (!optional.includes(side) || isError(thrown, 'superseded')) throw thrown;
      if (control[side]) destroySession(control[side]);
      delete control[side];
    }
  }
}

/** Destroys the sessions at once; open transactions on them roll back. */
export function endClaimed(control: Readonly<Partial<Record<Side, Session>>>): void {
  for (const side of SIDES) {
    const session = control[side];
    if (session) destroySession(session);
  }
}
