import { parseLsn, type Lsn } from '@turnout/core/lsn';
import type { Session } from '../session.js';

export interface Server {
  /** As `server_version_num`: 130011, 150004. */
  readonly version: number;
  readonly versionText: string;
  readonly database: string;
  /** With the system identifier it names one database, whatever URL led to it. */
  readonly databaseOid: string;
  /** The same for a cluster and its standbys, different for a restored copy made by initdb. */
  readonly systemIdentifier: string;
  /** Eight hex digits; changes at every promotion. Null on a standby, which has none of its own. */
  readonly timeline: string | null;
  readonly inRecovery: boolean;
  /** Insert position, or the received one on a standby. */
  readonly currentLsn: Lsn;
  readonly walLevel: string;
  readonly encoding: string;
  readonly collation: string;
  readonly slotsMax: number;
  readonly slotsUsed: number;
  readonly walSendersMax: number;
  readonly walSendersUsed: number;
  readonly connectionsMax: number;
  readonly connectionsUsed: number;
  readonly preparedTransactionsMax: number;
  readonly walSenderTimeoutMs: number;
  readonly deadlockTimeoutMs: number;
}

/** Identity, position and capacity of the server behind the session. */
export async function readServer(session: Session): Promise<Server> {
  const { rows } = await session.query<
    Record<string, string | null>
  >(/* sql */ `select current_setting('server_version_num') as version,
        current_setting('server_version') as version_text,
        d.datname as database, d.oid as database_oid, pg_encoding_to_char(d.encoding) as encoding, d.datcollate as collation,
        (select system_identifier from pg_control_system()) as system_identifier,
        pg_is_in_recovery() as in_recovery,
        case when not pg_is_in_recovery()
          then left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline,
        case when pg_is_in_recovery() then pg_last_wal_receive_lsn()
          else pg_current_wal_insert_lsn() end as current_lsn,
        current_setting('wal_level') as wal_level,
        current_setting('max_replication_slots') as slots_max,
        (select count(*) from pg_replication_slots) as slots_used,
        current_setting('max_wal_senders') as wal_senders_max,
        (select count(*) from pg_stat_replication) as wal_senders_used,
        current_setting('max_connections') as connections_max,
        (select count(*) from pg_stat_activity where backend_type = 'client backend')
          as connections_used,
        current_setting('max_prepared_transactions') as prepared_max,
        (select setting from pg_settings where name = 'wal_sender_timeout') as wal_sender_timeout_ms,
        (select setting from pg_settings where name = 'deadlock_timeout') as deadlock_timeout_ms
      from pg_database d where d.datname = current_database()`);
  const row = rows[0]!;
  const count = (name: string): number => Number(row[name]);
  return {
    version: count('version'),
    versionText: row['version_text']!,
    database: row['database']!,
    databaseOid: row['database_oid']!,
    systemIdentifier: row['system_identifier']!,
    timeline: row['timeline'] ?? null,
    inRecovery: row['in_recovery'] === 't',
    currentLsn: parseLsn(row['current_lsn'] ?? '0/0'),
    walLevel: row['wal_level']!,
    encoding: row['encoding']!,
    collation: row['collation']!,
    slotsMax: count('slots_max'),
    slotsUsed: count('slots_used'),
    walSendersMax: count('wal_senders_max'),
    walSendersUsed: count('wal_senders_used'),
    connectionsMax: count('connections_max'),
    connectionsUsed: count('connections_used'),
    preparedTransactionsMax: count('prepared_max'),
    walSenderTimeoutMs: count('wal_sender_timeout_ms'),
    deadlockTimeoutMs: count('deadlock_timeout_ms'),
  };
}
