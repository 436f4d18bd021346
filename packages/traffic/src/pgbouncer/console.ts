import type { AdminSession } from '@turnout/postgres/admin-session';
import { messageOf } from '@turnout/core/app-error';
import type { DatabaseTarget } from './databases-file.js';

/** What an instance says about one of its databases. */
export interface DatabaseState extends DatabaseTarget {
  /** Also true while a PAUSE still waits for transactions: it is not an acknowledgement. */
  readonly paused: boolean;
}

/** Names are quoted as in SQL. */
function quoted(database: string): string {
  return `"${database.replaceAll('"', '""')}"`;
}

/** Resolves when no transaction of `database` runs any more; the session is busy until then. */
export async function pauseDatabase(
  session: AdminSession,
  database: string,
  timeoutMs: number,
): Promise<void> {
  await session.query(`PAUSE ${quoted(database)}`, { timeoutMs });
}

/** Ends a hold. That there was none is what is wanted. */
export async function resumeDatabase(session: AdminSession, database: string): Promise<void> {
  try {
    await session.query(`RESUME ${quoted(database)}`);
  } catch (thrown) {
    if (!/is not paused/.test(messageOf(thrown))) throw thrown;
  }
}

/**
 * Reads the files anew and ends a hold at once: a client that connects between the two would be
 * sent to a login that fails, and the pooler then waits `server_login_retry` (15 s) before another.
 */
export async function reloadAndResume(session: AdminSession, database: string): Promise<void> {
  const reloaded = session.query('RELOAD');
  const resumed = resumeDatabase(session, database);
  const [reload, resume] = await Promise.allSettled([reloaded, resumed]);
  if (reload.status === 'rejected') throw reload.reason;
  if (resume.status === 'rejected') throw resume.reason;
}

/** State of `database`; null when the instance does not list it. */
export async function showDatabase(
  session: AdminSession,
  database: string,
): Promise<DatabaseState | null> {
  const rows = await session.query('SHOW DATABASES');
  const row = rows.find(({ name }) => name === database);
  if (!row) return null;
  return {
    host: row.host ?? '',
    port: Number(row.port),
    dbname: row.database ?? '',
    paused: row.paused === '1',
  };
}
