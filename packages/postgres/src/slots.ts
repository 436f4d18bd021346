import { isAppError } from '@turnout/core/app-error';
import { parseLsn, type Lsn } from '@turnout/core/lsn';
import { parseSessionName } from '@turnout/core/object-names';
import { waitUntil, within } from '@turnout/core/waiting';
import { fail, isError, type ErrorName } from '@turnout/contracts/errors';
import pg from 'pg';
import { isConnectionLost, serverFacts } from './database-error.js';
import { quoteIdent } from './identifiers.js';
import {
  clientConfig,
  connectionError,
  withSession,
  type Endpoint,
  type Session,
} from './session.js';

/** Waiting for old transactions happens one by one; all of them together may take this many limits. */
const CREATION_LIMITS = 3;
const FREE_TIMEOUT_MS = 10_000;
const FREE_INTERVAL_MS = 20;

export interface SlotRequest {
  readonly endpoint: Endpoint;
  readonly name: string;
  readonly exportSnapshot: boolean;
  /** How long creation may wait for a transaction that is older than the slot. */
  readonly lockTimeoutMs: number;
  readonly applicationName: string;
}

export interface CreatedSlot {
  /** The stream begins behind this; the snapshot holds everything before it. */
  readonly consistentLsn: Lsn;
  /** For `set transaction snapshot`, valid until `release`; null when none was asked for. */
  readonly snapshotName: string | null;
  /** Ends the connection that keeps the snapshot; the slot stays. */
  release(): Promise<void>;
}

export interface SlotState {
  readonly active: boolean;
  readonly activePid: number | null;
  readonly plugin: string;
  readonly confirmedFlushLsn: Lsn | null;
  readonly restartLsn: Lsn | null;
  readonly walStatus: string | null;
  /** WAL the slot keeps from being removed. */
  readonly retainedBytes: number | null;
}

const CREATION_ERRORS: Readonly<Record<string, ErrorName>> = {
  '42501': 'privilege_missing',
  '42710': 'slot_foreign',
  '53400': 'slots_exhausted',
  '55000': 'wal_level_insufficient',
  '55P03': 'slot_creation_timed_out',
};

function creationError(request: SlotRequest, thrown: unknown): Error {
  if (isAppError(thrown)) return thrown;
  const { sqlstate, message } = serverFacts(thrown);
  if (sqlstate === null || isConnectionLost(thrown))
    return connectionError(request.endpoint, thrown);
  const name = CREATION_ERRORS[sqlstate] ?? 'slot_creation_failed';
  const facts = { slot: request.name, sqlstate, message, lock_timeout_ms: request.lockTimeoutMs };
  return fail(name, facts, thrown);
}

async function creationCommand(client: pg.Client, request: SlotRequest): Promise<string> {
  const { rows } = await client.query<{ setting: string }>(
    /* sql */ `select setting from pg_settings where name = 'server_version_num'`,
  );
  const command = `CREATE_REPLICATION_SLOT ${quoteIdent(request.name)} LOGICAL pgoutput`;
  if (Number(rows[0]?.setting) >= 150_000) {
    return `${command} (SNAPSHOT '${request.exportSnapshot ? 'export' : 'nothing'}')`;
  }
  return `${command} ${request.exportSnapshot ? 'EXPORT_SNAPSHOT' : 'NOEXPORT_SNAPSHOT'}`;
}

/** A creation that was given up may go on in the server and leave a slot that pins WAL for ever. */
async function removeOrphan(
  { endpoint, applicationName, name }: SlotRequest,
  pid: number | null,
): Promise<void> {
  await withSession({ endpoint, applicationName }, async (session) => {
    if (pid !== null) await session.query(/* sql */ `select pg_terminate_backend($1)`, [pid]);
    await waitUntil(
      async () => {
        const { rows } = await session.query(
          /* sql */ `select from pg_stat_activity where pid = $1`,
          [pid],
        );
        return rows.length === 0 ? true : undefined;
      },
      {
        timeoutMs: FREE_TIMEOUT_MS,
        intervalMs: FREE_INTERVAL_MS,
        onTimeout: () =>
          fail('slot_creation_timed_out', { slot: name, reason: 'creation goes on' }),
      },
    );
    await dropSlot(session, name);
  });
}

/**
 * Creates a logical slot for pgoutput. It waits for every transaction that is open at that moment.
 * @throws TRN3014 when one outlasts the limit (no slot is left), TRN3005 when the name is taken,
 *   TRN2010, TRN2011, TRN2012, TRN3016, TRN2001
 */
export async function createSlot(request: SlotRequest): Promise<CreatedSlot> {
  const { endpoint, applicationName, lockTimeoutMs, name } = request;
  const config = {
    // A statement timeout does not end the wait for old transactions; a lock timeout does.
    ...clientConfig({
      endpoint,
      applicationName,
      settings: { lock_timeout: String(lockTimeoutMs) },
    }),
    replication: 'database',
  };
  const client = new pg.Client(config);
  client.on('error', () => undefined);
  const end = (): Promise<void> => client.end().catch(() => undefined);
  let creating = false;
  try {
    await client.connect();
    const command = await creationCommand(client, request);
    creating = true;
    const { rows } = await within(
      client.query<{ consistent_point: string; snapshot_name: string | null }>(command),
      lockTimeoutMs * CREATION_LIMITS,
      () => fail('slot_creation_timed_out', { slot: name, lock_timeout_ms: lockTimeoutMs }),
    );
    const created = rows[0]!;
    return {
      consistentLsn: parseLsn(created.consistent_point),
      snapshotName: created.snapshot_name || null,
      release: end,
    };
  } catch (thrown) {
    const error = creationError(request, thrown);
    const { processID } = client as unknown as { processID: number | null };
    await end();
    // Never for a name that was taken: that slot is somebody's.
    if (creating && isError(error, 'slot_creation_timed_out', 'postgres_unreachable')) {
      await removeOrphan(request, processID);
    }
    throw error;
  }
}

/** Removes a slot of this database if it exists. It must be free: see `freeSlot`. */
export async function dropSlot(session: Session, name: string): Promise<void> {
  await session.query(
    /* sql */ `select pg_drop_replication_slot(slot_name) from pg_replication_slots
      where slot_name = $1 and database = current_database()`,
    [name],
  );
}

/** The slot as the server sees it now, or null when there is none of that name. */
export async function readSlot(session: Session, name: string): Promise<SlotState | null> {
  const { rows } = await session.query<Record<string, string | null>>(
    /* sql */ `select active, active_pid, plugin, confirmed_flush_lsn, restart_lsn, wal_status,
        pg_wal_lsn_diff(
          case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
            else pg_current_wal_lsn() end, restart_lsn) as retained_bytes
      from pg_replication_slots where slot_name = $1`,
    [name],
  );
  const row = rows[0];
  if (!row) return null;
  const position = (text: string | null | undefined): Lsn | null => (text ? parseLsn(text) : null);
  return {
    active: row['active'] === 't',
    activePid: row['active_pid'] ? Number(row['active_pid']) : null,
    plugin: row['plugin'] ?? '',
    confirmedFlushLsn: position(row['confirmed_flush_lsn']),
    restartLsn: position(row['restart_lsn']),
    walStatus: row['wal_status'] ?? null,
    retainedBytes: row['retained_bytes'] ? Number(row['retained_bytes']) : null,
  };
}

/**
 * Terminates the session of ours that holds the slot, if any, and waits until the slot is free.
 * @throws TRN3001 when a session that is not ours holds it, or it does not go away in time
 */
export async function freeSlot(session: Session, name: string): Promise<void> {
  await waitUntil(
    async () => {
      const { rows } = await session.query<{ pid: string; application: string | null }>(
        /* sql */ `select s.active_pid as pid, a.application_name as application
          from pg_replication_slots s left join pg_stat_activity a on a.pid = s.active_pid
          where s.slot_name = $1 and s.active_pid is not null`,
        [name],
      );
      const holder = rows[0];
      if (!holder) return true;
      const { pid, application } = holder;
      // Without an entry in the activity view it has ended already.
      if (application !== null && parseSessionName(application) === null) {
        throw fail('stream_ended', { slot: name, held_by: application, pid: Number(pid) });
      }
      await session.query(/* sql */ `select pg_terminate_backend($1)`, [pid]);
      return undefined;
    },
    {
      timeoutMs: FREE_TIMEOUT_MS,
      intervalMs: FREE_INTERVAL_MS,
      onTimeout: () => fail('stream_ended', { slot: name, reason: 'its holder does not end' }),
    },
  );
}
