import { CancelledSignal, within } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import pg from 'pg';
import type { Endpoint } from './session.js';

/** A console that is alive answers the farewell at once; one that is not is left. */
const CLOSE_TIMEOUT_MS = 250;

export type AdminRow = Readonly<Record<string, string | null>>;

/** A session with PgBouncer's admin console, which speaks the simple query protocol only. */
export interface AdminSession {
  /**
   * Runs one command; a console takes one at a time. After a timeout the session is of no use, and
   * the command may still take effect: look at what is true.
   * @throws TRN2001 when no answer came in time; else the console's own error
   */
  query(text: string, options?: { timeoutMs?: number | undefined }): Promise<readonly AdminRow[]>;
  /** Never waits for a command that is still running. */
  close(): Promise<void>;
}

export interface AdminSessionOptions {
  /** Limit of the connection, and of each command unless that says otherwise. */
  readonly timeoutMs: number;
  /** Destroys the connection when it aborts, whatever it waits for. */
  readonly signal?: AbortSignal | undefined;
}

/** The socket: `end` waits for a peer that may be half-open, destroying it waits for nobody. */
function destroySocket(client: pg.Client): void {
  const { connection } = client as unknown as {
    connection?: { stream?: { destroy(): void } };
  };
  connection?.stream?.destroy();
}

/** Host and port as they may be shown. */
function placeOf(client: pg.Client): { host: string; port: number } {
  return { host: client.host, port: client.port };
}

/**
 * Opens the admin console at `endpoint`. No start-up options are sent: the console refuses them.
 * @throws TRN2001, TRN2002
 */
export async function openAdminSession(
  endpoint: Endpoint,
  { timeoutMs, signal }: AdminSessionOptions,
): Promise<AdminSession> {
  const client = new pg.Client({
    connectionString: endpoint.url,
    ...(endpoint.password ? { password: endpoint.password.reveal() } : {}),
    connectionTimeoutMillis: timeoutMs,
    keepAlive: true,
    types: { getTypeParser: () => (value: string) => value },
  });
  client.on('error', () => undefined);
  const place = placeOf(client);
  if (signal?.aborted) throw new CancelledSignal('console');
  const onAbort = (): void => destroySocket(client);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await client.connect();
  } catch (thrown) {
    signal?.removeEventListener('abort', onAbort);
    destroySocket(client);
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : null;
    const refused = code === '28P01' || code === '28000';
    throw fail(refused ? 'login_refused' : 'postgres_unreachable', { ...place, code }, thrown);
  }
  return {
    async query(text, options) {
      const limitMs = options?.timeoutMs ?? timeoutMs;
      const onTimeout = (): Error =>
        fail('postgres_unreachable', { ...place, command: text, waited_ms: limitMs });
      const answer = await within(client.query<AdminRow>(text), limitMs, onTimeout);
      return answer.rows;
    },
    async close() {
      signal?.removeEventListener('abort', onAbort);
      // With a command in flight this cuts the socket instead of waiting for the answer.
      await within(client.end(), Math.min(timeoutMs, CLOSE_TIMEOUT_MS), () =>
        fail('postgres_unreachable', place),
      ).catch(() => undefined);
      destroySocket(client);
    },
  };
}
