import { REPLICA_ROLE, withSession } from '@turnout/postgres/session';
import { createSlot, dropSlot, freeSlot, readSlot } from '@turnout/postgres/slots';
import { fail } from '@turnout/contracts/errors';
import { TargetSession } from '../apply/target-session.js';
import { readProgress } from '../apply/sql/progress.js';
import { SLOT_LOCK_TIMEOUT_MS } from '../copy/run-copy.js';
import { linkSessionName, slotOf, type LinkPlace } from './link-place.js';
import { publishTables } from './publish-tables.js';
import { seedLink } from './seed-link.js';

/**
 * Installs a link that needs no copy, as the reverse link at arm: publication, slot, progress. It
 * starts closed unless its source is the writable side.
 * @throws TRN3003 when the link was seeded before and its slot is gone, TRN3014
 */
export async function installLink(place: LinkPlace, open: boolean): Promise<void> {
  const applicationName = linkSessionName(place, 'install');
  const target = await TargetSession.open(place.target, applicationName);
  try {
    const session = { endpoint: place.source, applicationName, settings: REPLICA_ROLE };
    await withSession(session, async (source) => {
      const [seeded] = await target.query(readProgress(place.link));
      const name = slotOf(place);
      if (seeded) {
        if (await readSlot(source, name)) return;
        throw fail('slot_missing', { slot: name });
      }
      await publishTables(source, place);
      // A slot without progress is what an interrupted installation leaves: it begins anew.
      await freeSlot(source, name);
      await dropSlot(source, name);
      const slot = await createSlot({
        endpoint: place.source,
        name,
        exportSnapshot: false,
        lockTimeoutMs: SLOT_LOCK_TIMEOUT_MS,
        applicationName,
      });
      const { consistentLsn } = slot;
      await slot.release();
      await seedLink(place, { target, source, consistentLsn, open });
    });
  } finally {
    await target.close();
  }
}
