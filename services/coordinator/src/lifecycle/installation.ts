import { sessionName } from '@turnout/core/object-names';
import { installGuardTriggers } from '@turnout/postgres/cluster/guard-triggers';
import { installCluster } from '@turnout/postgres/cluster/install';
import { endSession, openSession, withSession, type Session } from '@turnout/postgres/session';
import type { Side } from '@turnout/core/sides';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { dumpSection, loadSection } from './schema-transfer.js';

/** A trigger waits for the writers of its table and holds up new ones meanwhile. */
const GUARD_LOCK_TIMEOUT_MS = 100;

function look(pair: ResolvedPair, side: Side): Promise<Session> {
  return openSession({
    endpoint: pair[side],
    applicationName: sessionName(0n, 'install', pair.name),
  });
}

function loadOnGreen(pair: ResolvedPair, text: string): Promise<void> {
  return withSession(
    { endpoint: pair.green, applicationName: sessionName(0n, 'install', pair.name) },
    (session) => loadSection(session, text),
  );
}

/** Types, tables and functions of blue on green, unless they are there already. */
export async function transferSchema(pair: ResolvedPair): Promise<boolean> {
  if (pair.schema.transfer !== 'pg_dump') return false;
  await loadOnGreen(pair, await dumpSection(pair.blue, 'pre-data'));
  return true;
}

/** Indexes, constraints and triggers of the users, built once over the copied rows. */
export async function finishSchema(pair: ResolvedPair): Promise<void> {
  await loadOnGreen(pair, await dumpSection(pair.blue, 'post-data'));
}

/** Our objects on both sides: blue open with a guard that passes, green closed from its creation. */
export async function installObjects(pair: ResolvedPair): Promise<void> {
  for (const side of ['blue', 'green'] as const) {
    const session = await look(pair, side);
    try {
      await installCluster(session, {
        pair: pair.name,
        side,
        state: side === 'blue' ? 'open' : 'closed',
      });
    } finally {
      await endSession(session);
    }
  }
}

/** Guards on every user table of a side; the longest wait is for the writers of one table. */
export async function installGuards(pair: ResolvedPair, side: Side): Promise<number> {
  const session = await look(pair, side);
  try {
    return await installGuardTriggers(session, {
      lockTimeoutMs: GUARD_LOCK_TIMEOUT_MS,
    });
  } finally {
    await endSession(session);
  }
}
