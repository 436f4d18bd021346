import { within } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import pg from 'pg';
import type { Endpoint } from './session.js';

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
  { timeoutMs }: AdminSessionOptions,
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
  try {
    await client.connect();
  } catch (thrown) {
    void client.end().catch(() => undefined);
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
      // With a command in flight this cuts the socket instead of waiting for the answer.
      await within(client.end(), timeoutMs, () => fail('postgres_unreachable', place)).catch(
        () => undefined,
      );
    },
  };
}
