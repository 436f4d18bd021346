import { messageOf } from '@turnout/core/app-error';
import { objectName, sessionName } from '@turnout/core/object-names';
import { guardBody } from '@turnout/postgres/cluster/guard';
import { dropGuardTriggers } from '@turnout/postgres/cluster/guard-triggers';
import { uninstallCluster } from '@turnout/postgres/cluster/install';
import { dropPublication } from '@turnout/postgres/publications';
import { openSession, type Session } from '@turnout/postgres/session';
import { dropSlot, freeSlot } from '@turnout/postgres/slots';
import type { Side } from '@turnout/core/sides';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';

const LOCK_TIMEOUT_MS = 100;

/**
 * The guard goes, so a side that is given up is made read-only for whoever still connects to it. It
 * is a hint a session can override; nobody is meant to write there any more.
 */
async function retire(session: Session): Promise<void> {
  const { rows } = await session.query<{ name: string }>(
    /* sql */ `select quote_ident(current_database()) as name`,
  );
  const name = rows[0]?.name ?? '';
  await session.query(/* sql */ `alter database ${name} set default_transaction_read_only = on`);
}

/** Objects of another pair are its fence: a pair that never got them must not take them away. */
async function belongsToAnother(session: Session, pair: string): Promise<boolean> {
  const { rows } = await session.query<{ pair: string }>(/* sql */ `select pair from turnout.side`);
  return rows.some((row) => row.pair !== pair);
}

async function cleanSide(session: Session, pair: string): Promise<void> {
  for (const purpose of ['forward', 'reverse', 'check'] as const) {
    const name = objectName(pair, purpose);
    await freeSlot(session, name);
    await dropSlot(session, name);
    await dropPublication(session, name);
  }
  const { rows } = await session.query<{ installed: string }>(
    /* sql */ `select to_regclass('turnout.side') is not null as installed`,
  );
  if (rows[0]?.installed !== 't' || (await belongsToAnother(session, pair))) return;
  await session.query(guardBody('pass'));
  // Triggers one by one, the schema when none is left: dropping it whole holds every table at once.
  await dropGuardTriggers(session, { lockTimeoutMs: LOCK_TIMEOUT_MS });
  await uninstallCluster(session);
}

/**
 * Removes everything of Turnout from both sides. Idempotent, and one side that is gone does not keep
 * the other from being cleaned. @returns what could not be removed, by side
 */
export async function removeObjects(pair: ResolvedPair, retired: Side | null): Promise<string[]> {
  const left: string[] = [];
  for (const side of ['blue', 'green'] as const) {
    try {
      const session = await openSession({
        endpoint: pair[side],
        applicationName: sessionName(0n, 'cleanup', pair.name),
      });
      try {
        if (side === retired) await retire(session);
        await cleanSide(session, pair.name);
      } finally {
        await session.end().catch(() => undefined);
      }
    } catch (thrown) {
      left.push(`${side}: ${messageOf(thrown)}`);
    }
  }
  return left;
}
