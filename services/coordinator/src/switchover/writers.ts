import { fail } from '@turnout/contracts/errors';
import { waitUntil } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { cancelBackend, queuedBlockers, writerLocks } from './sql/drain-sql.js';

export interface Writer {
  readonly transaction: string;
  readonly pid: string | null;
  readonly application: string;
  readonly role: string;
  /** Waits for the turnstile: it has written nothing that could commit before the fence. */
  readonly queued: boolean;
  readonly holdsTurnstile: boolean;
}

/** Transactions that hold a writer's lock on anything of the users. */
export async function readWriters(session: Session): Promise<Writer[]> {
  const rows = await ask(session, writerLocks);
  return rows.map((row) => ({
    transaction: row['virtualtransaction'] ?? '',
    pid: row['pid'] ?? null,
    application: row['application'] ?? '',
    role: row['role'] ?? '',
    queued: row['queued'] === 't',
    holdsTurnstile: row['holds_turnstile'] === 't',
  }));
}

function named(writer: Writer | undefined): Record<string, string | null> {
  return {
    pid: writer?.pid ?? null,
    role: writer?.role ?? null,
    application: writer?.application ?? null,
    transaction: writer?.transaction ?? null,
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
  const older = new Set((await readWriters(session)).map(({ transaction }) => transaction));
  const count = older.size;
  let last: Writer | undefined;
  await waitUntil(
    async () => {
      const now = await readWriters(session);
      const left = now.filter(({ transaction }) => older.has(transaction));
      last = left[0];
      return left.length === 0 ? true : undefined;
    },
    {
      timeoutMs,
      intervalMs: 10,
      signal,
      onTimeout: () => fail('TRN5007', named(last)),
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
  let bypass: Writer | undefined;
  await waitUntil(
    async () => {
      const writers = await readWriters(session);
      bypass = writers.find(({ queued }) => !queued);
      return bypass === undefined ? true : undefined;
    },
    {
      timeoutMs: QUEUEING_GRACE_MS,
      intervalMs: 3,
      onTimeout: () => fail('TRN5011', named(bypass)),
    },
  );
  for (const row of await ask(session, queuedBlockers)) {
    const pid = row['pid'] ?? '';
    await ask(session, cancelBackend(pid));
    cancelled.push(pid);
  }
  return cancelled;
}
