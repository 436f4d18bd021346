import type { Lsn } from '@turnout/core/lsn';
import { must } from '@turnout/core/assert';
import { readServer } from '@turnout/postgres/catalog/server';
import type { Session } from '@turnout/postgres/session';
import type { TargetSession } from '../apply/target-session.js';
import { slotOf, type LinkPlace } from './link-place.js';
import { seedPosition, seedProgress, seedSlot } from './sql/seed.js';

export interface ServerIdentity {
  readonly systemIdentifier: string;
  readonly timeline: string;
}

export async function readServerIdentity(session: Session): Promise<ServerIdentity> {
  const { systemIdentifier, timeline } = await readServer(session);
  return { systemIdentifier, timeline: must(timeline, 'the source of a link is not a standby') };
}

/** Writes progress, position and slot identity of a new slot in one durable transaction. */
export async function seedLink(
  place: LinkPlace,
  options: { target: TargetSession; source: Session; consistentLsn: Lsn; open: boolean },
): Promise<void> {
  const { target, source, consistentLsn, open } = options;
  const identity = await readServerIdentity(source);
  await target.transaction(
    [
      seedProgress(place.link, consistentLsn, open),
      seedPosition(place.link, consistentLsn),
      seedSlot({ name: slotOf(place), consistentLsn, ...identity }),
    ],
    { durable: true },
  );
}
