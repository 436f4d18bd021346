import { formatLsn, laterOf, LSN_ZERO, parseLsn, type Lsn } from '@turnout/core/lsn';
import { fail } from '@turnout/contracts/errors';
import type { Session } from '@turnout/postgres/session';
import { freeSlot, readSlot, type SlotState } from '@turnout/postgres/slots';
import { parseProgress, type ProgressRow } from '../apply/progress-keeper.js';
import { readPosition } from '../apply/sql/position.js';
import { takeLink } from '../apply/sql/progress.js';
import type { TargetSession } from '../apply/target-session.js';
import { slotOf, type LinkSpec } from '../seed/link-spec.js';
import { endPredecessors } from '../seed/sql/predecessors.js';
import { readServerIdentity } from '../seed/seed-link.js';
import { readSlotIdentity } from '../seed/sql/seed.js';

export interface LinkStart {
  readonly progress: ProgressRow;
  /** Durable on the target; the stream starts here. */
  readonly startLsn: Lsn;
}

/**
 * Takes the link and proves that its slot continues where the target stands, in the order of
 * LINKS 2. Answers null when the link was never seeded.
 * @throws TRN3002, TRN3003, TRN3004, TRN3005, TRN3015
 */
export async function startLink(
  spec: LinkSpec,
  { target, source }: { target: TargetSession; source: Session },
): Promise<LinkStart | null> {
  const name = slotOf(spec);
  await target.query(endPredecessors(spec.link, spec.leaseEpoch));
  // Synchronous: it waits for the COMMIT of a dead predecessor, and is itself known to be durable.
  const [taken] = await target.transaction([takeLink(spec.link)], { durable: true });
  if (!taken?.[0]) return null;
  const progress = parseProgress(taken[0]);
  const [position] = await target.query(readPosition(spec.link));
  const flushedLsn = position?.acked_lsn ? parseLsn(position.acked_lsn) : LSN_ZERO;
  const created = await refuseOtherServer(name, { target, source });
  await freeSlot(source, name);
  const slot = await readSlot(source, name);
  if (!slot) throw fail('slot_missing', { slot: name });
  if (slot.walStatus === 'lost') throw fail('slot_lost', { slot: name });
  refuseStrangeSlot(name, slot, created);
  const startLsn = laterOf(progress.endLsn, flushedLsn);
  // Compared with `source_lsn` this would be a false alarm after every normal acknowledgement.
  if (slot.confirmedFlushLsn !== null && slot.confirmedFlushLsn > startLsn) {
    throw fail('slot_ahead', {
      slot: name,
      confirmed_flush_lsn: formatLsn(slot.confirmedFlushLsn),
      applied_lsn: formatLsn(startLsn),
    });
  }
  return { progress, startLsn };
}

interface CreatedSlot {
  readonly plugin: string | null;
  readonly consistentLsn: bigint;
}

/**
 * Before the slot is looked for: a promoted standby has none, and to say that it was dropped would hide
 * that everything proven of the side was proven of another server.
 */
async function refuseOtherServer(
  name: string,
  { target, source }: { target: TargetSession; source: Session },
): Promise<CreatedSlot> {
  const [known] = await target.query(readSlotIdentity(name));
  if (!known) throw fail('slot_foreign', { slot: name, reason: 'its creation was never recorded' });
  const now = await readServerIdentity(source);
  if (known.system_identifier !== now.systemIdentifier || known.timeline !== now.timeline) {
    throw fail('identity_changed', {
      slot: name,
      recorded: `${known.system_identifier}/${known.timeline}`,
      found: `${now.systemIdentifier}/${now.timeline}`,
    });
  }
  return { plugin: known.plugin ?? null, consistentLsn: parseLsn(known.consistent_lsn ?? '0/0') };
}

/** The slot must be the one that was created for this link. */
function refuseStrangeSlot(name: string, slot: SlotState, created: CreatedSlot): void {
  const older = slot.confirmedFlushLsn !== null && slot.confirmedFlushLsn < created.consistentLsn;
  if (slot.plugin !== created.plugin || older) {
    throw fail('slot_foreign', { slot: name, plugin: slot.plugin, older_than_recorded: older });
  }
}
