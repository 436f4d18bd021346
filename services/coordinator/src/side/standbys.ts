import type { StandbyPolicy } from '@turnout/contracts/config/pair-config';
import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { currentWal, readStandbys } from './sql/standby-sql.js';

export interface StandbyWait {
  readonly side: Side;
  readonly policy: StandbyPolicy;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

const POLL_MS = 2;

/** The server itself waits for synchronous standbys, whatever the policy of the pair is. */
export function unreplicated(side: Side, waitedMs: number): Error {
  const standbys = 'one of synchronous_standby_names';
  return fail('standby_behind', { side, standbys, waited_ms: waitedMs });
}

/**
 * Waits until every physical standby that counts has flushed what is written on this side now: one
 * that is promoted without it would undo a fence, an opening or a claim.
 * @returns how many standbys counted
 * @throws TRN5029 naming one that does not follow, TRN2022 when the role may not see them
 */
export async function awaitStandbys(
  session: Session,
  { side, policy, timeoutMs, signal }: StandbyWait,
): Promise<number> {
  if (policy === 'none') return 0;
  const [wal] = await ask(session, currentWal);
  const lsn = wal?.['lsn'] ?? '0/0';
  let behind: string[] = [];
  return waitUntil(
    async () => {
      const rows = await ask(session, readStandbys(policy, lsn));
      if (rows.some((row) => row['hidden'] === 't')) throw fail('monitoring_denied', { side });
      behind = rows.filter((row) => row['flushed'] !== 't').map((row) => row['name'] ?? '');
      return behind.length === 0 ? rows.length : undefined;
    },
    {
      timeoutMs,
      intervalMs: POLL_MS,
      signal,
      onTimeout: () =>
        fail('standby_behind', { side, standbys: behind.join(' '), lsn, waited_ms: timeoutMs }),
    },
  );
}
