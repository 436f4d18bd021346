import { sessionName } from '@turnout/core/object-names';
import type { Side } from '@turnout/core/sides';
import { destroySession, openSession, type Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';

/** Roles of a coordinator's sessions; the takeover terminates exactly these. */
export type SessionRole = 'control' | 'fence' | 'prepare';

const CONNECT_TIMEOUT_MS = 3_000;
/** Longest wait for one statement of the control sessions; their work is small. */
const CONTROL_STATEMENT_TIMEOUT_MS = 5_000;
/** A peer that is half-open answers nothing for minutes: this ends the wait. */
const QUERY_TIMEOUT_MS = 6_000;

/**
 * Settings of PROTOCOL 5. Replica role keeps the users' event triggers away from our function swaps;
 * the lock timeout stays below the server's deadlock timeout, which protects clients from a cycle;
 * the idle timeout is the dead-man's switch of an open fence.
 */
export function windowSettings(
  serverVersion: number,
  pair: ResolvedPair,
  role: SessionRole,
): Record<string, string> {
  const inWindow = role !== 'control';
  return {
    session_replication_role: 'replica',
    synchronous_commit: 'on',
    default_transaction_read_only: 'off',
    default_transaction_isolation: 'read committed',
    statement_timeout: inWindow ? '0' : String(CONTROL_STATEMENT_TIMEOUT_MS),
    lock_timeout: String(pair.window.lockTimeoutMs),
    idle_in_transaction_session_timeout: inWindow ? String(pair.window.maxMs) : '0',
    tcp_keepalives_idle: '5',
    tcp_keepalives_interval: '2',
    tcp_keepalives_count: '3',
    ...(serverVersion >= 140000
      ? { idle_session_timeout: '0', client_connection_check_interval: '500ms' }
      : {}),
    ...(serverVersion >= 170000 ? { transaction_timeout: '0' } : {}),
  };
}

async function applySettings(session: Session, settings: Record<string, string>): Promise<void> {
  const names = Object.keys(settings);
  const calls = names.map((_, i) => `set_config($${2 * i + 1}, $${2 * i + 2}, false)`);
  await session.query({
    text: /* sql */ `select ${calls.join(', ')}`,
    values: names.flatMap((name) => [name, settings[name]]),
  });
}

/** Opens one session of the coordinator on a side, named with the epoch it acts under. */
export async function openRoleSession(
  pair: ResolvedPair,
  side: Side,
  role: SessionRole,
  epoch: bigint,
): Promise<Session> {
  const session = await openSession({
    endpoint: pair[side],
    applicationName: sessionName(epoch, role, pair.name),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    queryTimeoutMs: QUERY_TIMEOUT_MS,
  });
  try {
    const { rows } = await session.query<{ server_version_num: string }>(
      /* sql */ `show server_version_num`,
    );
    const version = Number(rows[0]?.server_version_num);
    await applySettings(session, windowSettings(version, pair, role));
    return session;
  } catch (thrown) {
    destroySession(session);
    throw thrown;
  }
}
