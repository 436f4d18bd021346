import { REPLICA_ROLE, withSession } from '@turnout/postgres/session';
import { createSlot, dropSlot, freeSlot } from '@turnout/postgres/slots';
import { TargetSession } from '../apply/target-session.js';
import { readProgress } from '../apply/sql/progress.js';
import { SLOT_LOCK_TIMEOUT_MS } from '../copy/run-copy.js';
import { linkSessionName, slotOf, type LinkSpec } from '../seed/link-spec.js';
import { publishTables } from '../seed/publish-tables.js';
import { seedLink } from '../seed/seed-link.js';

/**
 * Installs a link that needs no copy, as the reverse link at arm: publication, slot, progress. It
 * starts closed unless its source is the writable side.
 * @throws TRN3014
 */
export async function installLink(spec: LinkSpec, open: boolean): Promise<void> {
  const applicationName = linkSessionName(spec, 'install');
  const target = await TargetSession.open(spec.target, applicationName);
  try {
    const session = { endpoint: spec.source, applicationName, settings: REPLICA_ROLE };
    await withSession(session, async (source) => {
      const [seeded] = await target.query(readProgress(spec.link));
      const name = slotOf(spec);
      // Whoever starts the link proves its slot, and its server before that.
      if (seeded) return;
      await publishTables(source, spec);
      // A slot without progress is what an interrupted installation leaves: it begins anew.
      await freeSlot(source, name);
      await dropSlot(source, name);
      const slot = await createSlot({
        endpoint: spec.source,
        name,
        exportSnapshot: false,
        lockTimeoutMs: SLOT_LOCK_TIMEOUT_MS,
        applicationName,
      });
      const { consistentLsn } = slot;
      await slot.release();
      await seedLink(spec, { target, source, consistentLsn, open });
    });
  } finally {
    await target.close();
  }
}
