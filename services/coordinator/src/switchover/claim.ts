import { randomUUID } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import { ask, readSideRow, type SideRow } from './side-row.js';
import { claimSide, terminatePredecessors, type Actor } from './sql/side-sql.js';
import { awaitStandbys } from './standbys.js';

const TERMINATE_TIMEOUT_MS = 10_000;
const CLAIM_TIMEOUT_MS = 60_000;

/** epoch = max(lease, claims of both sides) + 1: the sides win over a store restored from a backup. */
export function nextEpoch(leaseEpoch: bigint, rows: readonly SideRow[]): bigint {
  return (
    rows.reduce(
      (highest, { claimEpoch }) => (claimEpoch > highest ? claimEpoch : highest),
      leaseEpoch,
    ) + 1n
  );
}

/** Terminates sessions of earlier coordinators and waits until they are gone. */
export async function endPredecessors(
  session: Session,
  epoch: bigint,
  pair: string,
): Promise<void> {
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

/**
 * Claims one side and reads it. The claim waits for a predecessor's COMMIT, so what is read
 * afterwards is settled; it counts only when the standbys of the side have it.
 * @throws TRN5015 when a higher epoch holds the side
 */
export async function claim(session: Session, actor: Actor): Promise<SideRow> {
  const claimed = await waitUntil(
    async () => {
      try {
        return await ask(session, claimSide(actor));
      } catch (thrown) {
        // The row is locked by a commit that waits: keep waiting, the outcome is not known yet.
        if (isLockTimeout(thrown)) return undefined;
        throw thrown;
      }
    },
    {
      timeoutMs: CLAIM_TIMEOUT_MS,
      intervalMs: 50,
      onTimeout: () => fail('operator_needed', { reason: 'a side could not be claimed' }),
    },
  );
  const row = await readSideRow(session);
  if (claimed.length === 0 && row.holder !== actor.holder) {
    throw fail('superseded', { claim_epoch: String(row.claimEpoch), epoch: String(actor.epoch) });
  }
  await awaitStandbys(session);
  return row;
}

function isLockTimeout(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === '55P03';
}

/** Takes over both sides, `from` first, and returns who acts and what is true now. */
export async function takeOver(
  control: Readonly<Record<Side, Session>>,
  { from, to, pair, leaseEpoch }: { from: Side; to: Side; pair: string; leaseEpoch: bigint },
  renameOwn: (epoch: bigint) => Promise<void>,
): Promise<{ actor: Actor; rows: Record<Side, SideRow> }> {
  const before = await Promise.all([readSideRow(control.blue), readSideRow(control.green)]);
  const actor = { epoch: nextEpoch(leaseEpoch, before), holder: randomUUID() };
  await renameOwn(actor.epoch);
  for (const side of [from, to]) await endPredecessors(control[side], actor.epoch, pair);
  const fromRow = await claim(control[from], actor);
  const toRow = await claim(control[to], actor);
  const rows = { [from]: fromRow, [to]: toRow } as Record<Side, SideRow>;
  return { actor, rows };
}
