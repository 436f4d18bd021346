import type { Lsn } from '@turnout/core/lsn';
import { must } from '@turnout/core/assert';
import { readServer } from '@turnout/postgres/catalog/server';
import type { Session } from '@turnout/postgres/session';
import type { TargetSession } from '../apply/target-session.js';
import { slotOf, type LinkSpec } from './link-spec.js';
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
  spec: LinkSpec,
  options: { target: TargetSession; source: Session; consistentLsn: Lsn; open: boolean },
): Promise<void> {
  const { target, source, consistentLsn, open } = options;
  const identity = await readServerIdentity(source);
  await target.transaction(
    [
      seedProgress(spec.link, consistentLsn, open),
      seedPosition(spec.link, consistentLsn),
      seedSlot({ name: slotOf(spec), consistentLsn, ...identity }),
    ],
    { durable: true },
  );
}
