import { fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { currentWal, standbysBehind } from './sql/drain-sql.js';

const STANDBY_TIMEOUT_MS = 5_000;

/**
 * Waits until every streaming physical standby of this side has flushed what is written now: one
 * that is promoted without the fence would be open again.
 * @throws TRN5009 when they do not follow in time
 */
export async function awaitStandbys(session: Session): Promise<void> {
  const [wal] = await ask(session, currentWal);
  const lsn = wal?.['lsn'] ?? '0/0';
  await waitUntil(
    async () => {
      const [row] = await ask(session, standbysBehind(lsn));
      return row?.['behind'] === '0' ? true : undefined;
    },
    {
      timeoutMs: STANDBY_TIMEOUT_MS,
      intervalMs: 2,
      onTimeout: () => fail('drain_timed_out', { reason: 'a standby does not follow', lsn }),
    },
  );
}
