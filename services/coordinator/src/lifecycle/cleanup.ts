import { reasonOf } from '@turnout/postgres/database-error';
import { objectName, sessionName } from '@turnout/core/object-names';
import { SIDES, type Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import { swapGuard } from '@turnout/postgres/cluster/guard';
import { dropGuardTriggers } from '@turnout/postgres/cluster/guard-triggers';
import { uninstallCluster } from '@turnout/postgres/cluster/install';
import { dropPublication } from '@turnout/postgres/publications';
import { destroySession, openSession, type Session } from '@turnout/postgres/session';
import { dropSlot, freeSlot } from '@turnout/postgres/slots';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { setReadOnly } from '../side/second-layer.js';
import { ask } from '../side/side-row.js';
import { installedPair, leftovers } from './sql/leftovers-sql.js';
import { serverNow, terminateOlderClients } from '../side/sql/second-layer-sql.js';

const LOCK_TIMEOUT_MS = 100;
/** The loop tries again by itself; meanwhile it looks at the sides and hears requests. */
const TRIGGERS_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 3_000;
const CLIENTS_TIMEOUT_MS = 5_000;

/**
 * The side that is given up: read-only for whoever connects from now on, and every client session
 * that existed before is ended. Only when none is left the guard may go: one that was refused for days
 * retries its write at that very moment.
 * @throws TRN5027 naming a session that does not end
 */
async function retire(session: Session): Promise<void> {
  await setReadOnly(session, true);
  const [now] = await ask(session, serverNow);
  let left: string[] = [];
  await waitUntil(
    async () => {
      const rows = await ask(session, terminateOlderClients(now?.['ms'] ?? '0'));
      left = rows.map((row) => `${row['pid'] ?? ''} ${row['name'] ?? ''}`.trim());
      return left.length === 0 ? true : undefined;
    },
    {
      timeoutMs: CLIENTS_TIMEOUT_MS,
      intervalMs: 20,
      onTimeout: () => fail('cleanup_unfinished', { sessions: left.join(', ') }),
    },
  );
}

const PURPOSES = ['forward', 'reverse', 'check'] as const;
const namesOf = (pair: string): string[] => PURPOSES.map((purpose) => objectName(pair, purpose));

/** Not so when it is another pair's: its fence is not ours to take away. */
async function isInstalled(session: Session, pair: string): Promise<boolean> {
  const [found] = await ask(session, leftovers(namesOf(pair)));
  if (found?.['installed'] !== 't') return false;
  const [owner] = await ask(session, installedPair);
  return owner === undefined || owner['pair'] === pair;
}

async function cleanSide(session: Session, pair: string, retired: boolean): Promise<void> {
  const installed = await isInstalled(session, pair);
  if (retired && installed) await retire(session);
  for (const name of namesOf(pair)) {
    await freeSlot(session, name);
    await dropSlot(session, name);
    await dropPublication(session, name);
  }
  if (!installed) return;
  await swapGuard(session, 'pass');
  // Triggers one by one, the schema when none is left: dropping it whole holds every table at once.
  await dropGuardTriggers(session, {
    lockTimeoutMs: LOCK_TIMEOUT_MS,
    timeoutMs: TRIGGERS_TIMEOUT_MS,
  });
  await uninstallCluster(session);
  if (!retired) await setReadOnly(session, false);
}

/** Names of what is still there, read back; empty when the side is clean. */
async function readLeft(session: Session, pair: string): Promise<string[]> {
  const installed = await isInstalled(session, pair);
  const [row] = await ask(session, leftovers(namesOf(pair)));
  const names = JSON.parse(row?.['names'] ?? '[]') as string[];
  return installed ? ['schema turnout', ...names] : names;
}

export interface Removal {
  /** Given up by `complete`; null when nothing is. */
  readonly retired?: Side | null | undefined;
}

/**
 * Removes everything of Turnout from both sides and reads each back. Idempotent, and one side that is
 * gone does not keep the other from being cleaned. @returns what is left, by side; empty when clean
 */
export async function removeObjects(
  pair: ResolvedPair,
  { retired = null }: Removal = {},
): Promise<string[]> {
  const left: string[] = [];
  for (const side of SIDES) {
    let session: Session | null = null;
    try {
      session = await openSession({
        endpoint: pair[side],
        applicationName: sessionName(0n, 'cleanup', pair.name),
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        settings: { session_replication_role: 'replica' },
      });
      await cleanSide(session, pair.name, side === retired);
      left.push(...(await readLeft(session, pair.name)).map((name) => `${side}: ${name}`));
    } catch (thrown) {
      left.push(`${side}: ${reasonOf(thrown)}`);
    } finally {
      if (session) destroySession(session);
    }
  }
  return left;
}
