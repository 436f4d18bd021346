import type { Lsn } from '@turnout/core/lsn';
import { must } from '@turnout/core/assert';
import type { Session } from '@turnout/postgres/session';
import type { TargetSession, TextRow } from '../apply/target-session.js';
import { slotOf, type LinkPlace } from './link-place.js';
import { seedPosition, seedProgress, seedSlot, serverIdentity } from './sql/seed.js';

export interface ServerIdentity {
  readonly systemIdentifier: string;
  readonly timeline: string;
}

export async function readServerIdentity(session: Session): Promise<ServerIdentity> {
  const { text } = serverIdentity();
  const { rows } = await session.query<TextRow>(text);
  return {
    systemIdentifier: must(rows[0]?.system_identifier, 'a system identifier'),
    timeline: must(rows[0]?.timeline, 'a timeline'),
  };
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
