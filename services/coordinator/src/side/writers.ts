import { fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import { readWriterLocks, type WriterLock } from '@turnout/postgres/catalog/locks';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { cancelBackend, queuedBlockers } from './sql/drain-sql.js';

/** Names of a session that stands in the way; a prepared transaction has no process. */
function named(writer: WriterLock | undefined): Record<string, string | number | null> {
  return {
    pid: writer?.pid ?? null,
    application: writer?.applicationName ?? null,
    transaction: writer?.virtualTransaction ?? null,
    mode: writer?.mode ?? null,
  };
}

/**
 * Waits until every transaction has ended that held a writer's lock when the armed guard was
 * committed: a session that already holds a table's lock need not have seen the new body.
 * @returns number of transactions waited for
 * @throws TRN5007 naming one that did not end
 */
export async function awaitOlderWriters(
  session: Session,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<number> {
  const older = new Set(
    (await readWriterLocks(session)).map(({ virtualTransaction }) => virtualTransaction),
  );
  const count = older.size;
  let last: WriterLock | undefined;
  await waitUntil(
    async () => {
      const now = await readWriterLocks(session);
      const left = now.filter(({ virtualTransaction }) => older.has(virtualTransaction));
      last = left[0];
      return left.length === 0 ? true : undefined;
    },
    {
      timeoutMs,
      intervalMs: 10,
      signal,
      onTimeout: () => fail('arm_timed_out', named(last)),
    },
  );
  return count;
}

/** A statement holds its table's lock for a moment before its trigger queues on the turnstile. */
const QUEUEING_GRACE_MS = 200;

/**
 * Under the fence every writer must be queued on the turnstile; anyone else bypasses the guard. A
 * queued session whose lock stops readers too (TRUNCATE) is cancelled: the checker would wait for it
 * in a cycle that PostgreSQL cannot see.
 * @returns pids that were cancelled
 * @throws TRN5011 naming the writer
 */
export async function proveNoBypass(session: Session): Promise<string[]> {
  const cancelled: string[] = [];
  let bypass: WriterLock | undefined;
  await waitUntil(
    async () => {
      const writers = await readWriterLocks(session);
      bypass = writers.find(({ queued }) => !queued);
      return bypass === undefined ? true : undefined;
    },
    {
      timeoutMs: QUEUEING_GRACE_MS,
      intervalMs: 3,
      onTimeout: () => fail('guard_bypassed', named(bypass)),
    },
  );
  for (const row of await ask(session, queuedBlockers)) {
    const pid = row['pid'] ?? '';
    await ask(session, cancelBackend(pid));
    cancelled.push(pid);
  }
  return cancelled;
}
