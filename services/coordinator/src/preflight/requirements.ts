import type { ErrorName } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import { isSelected } from '@turnout/postgres/catalog/table-patterns';
import type { Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import * as sql from './sql/preflight-sql.js';

export interface PreflightSubject {
  readonly pair: ResolvedPair;
  readonly sessions: Readonly<Record<Side, Session>>;
}

/** One requirement of both sides together or of each: what is wrong, as a sentence, or null. */
export interface Requirement {
  readonly id: string;
  readonly error: ErrorName;
  readonly severity: 'critical' | 'warning';
  /** What holds when nothing is wrong. */
  readonly ok: string;
  wrong(subject: PreflightSubject): Promise<string | null>;
}

type Row = Record<string, string>;

async function rows(session: Session, text: string): Promise<Row[]> {
  return (await session.query<Row>(text)).rows;
}

/** Asks both sides and joins what is wrong, each with its name. */
async function eachSide(
  { sessions }: PreflightSubject,
  wrong: (session: Session, side: Side) => Promise<string | null>,
): Promise<string | null> {
  const found: string[] = [];
  for (const side of ['blue', 'green'] as const) {
    const text = await wrong(sessions[side], side);
    if (text !== null) found.push(`${side}: ${text}`);
  }
  return found.length === 0 ? null : found.join('; ');
}

async function serverFact(session: Session, name: string): Promise<string> {
  return (await rows(session, sql.serverFacts))[0]?.[name] ?? '';
}

async function names(session: Session, text: string, pair: ResolvedPair): Promise<string[]> {
  return (await rows(session, text))
    .map(({ schema = '', name = '' }) => ({ schema, name }))
    .filter((table) => isSelected(table, pair.tables))
    .map(({ schema, name }) => `${schema}.${name}`);
}

/** The two slots a side may carry at once: its link and the checker's. */
const SLOTS_NEEDED = 2;
const VERSION_MIN = 130000;

export const REQUIREMENTS: readonly Requirement[] = [
  {
    id: 'distinct_sides',
    error: 'sides_identical',
    severity: 'critical',
    ok: 'blue and green are different databases',
    async wrong({ sessions }) {
      const [blue, green] = await Promise.all(
        [sessions.blue, sessions.green].map(async (session) => {
          const [row] = await rows(session, sql.serverFacts);
          return `${row?.['system_identifier']}/${row?.['database_oid']}`;
        }),
      );
      return blue === green ? 'both URLs lead to one database' : null;
    },
  },
  {
    id: 'server_version',
    error: 'server_version_unsupported',
    severity: 'critical',
    ok: 'both servers are PostgreSQL 13 or newer',
    wrong: (subject) =>
      eachSide(subject, async (session) =>
        Number(await serverFact(session, 'version')) < VERSION_MIN
          ? await serverFact(session, 'version_text')
          : null,
      ),
  },
  {
    id: 'wal_level',
    error: 'wal_level_insufficient',
    severity: 'critical',
    ok: 'wal_level is logical on both sides',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const level = await serverFact(session, 'wal_level');
        return level === 'logical' ? null : `wal_level = ${level}`;
      }),
  },
  {
    id: 'slots',
    error: 'slots_exhausted',
    severity: 'critical',
    ok: 'slots and walsenders are free on both sides',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const installed = (await rows(session, sql.schemaInstalled))[0]?.['installed'] === 't';
        if (installed) return null;
        const slots = Number(await serverFact(session, 'slots_free'));
        const senders = Number(await serverFact(session, 'senders_free'));
        return Math.min(slots, senders) >= SLOTS_NEEDED
          ? null
          : `${slots} slots and ${senders} walsenders free, ${SLOTS_NEEDED} needed`;
      }),
  },
  {
    id: 'privileges',
    error: 'privilege_missing',
    severity: 'critical',
    ok: 'the role may replicate, create the schema and act as a replica',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const [row] = await rows(session, sql.privileges);
        const missing = [
          row?.['replication'] === 't' ? null : 'REPLICATION',
          row?.['create_schema'] === 't' ? null : 'CREATE on the database',
          (await maySetReplicaRole(session)) ? null : 'SET session_replication_role',
        ].filter((name) => name !== null);
        return missing.length === 0 ? null : `missing ${missing.join(', ')}`;
      }),
  },
  {
    id: 'replica_identity',
    error: 'replica_identity_missing',
    severity: 'critical',
    ok: 'every table has a replica identity',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const found = await names(session, sql.tablesWithoutIdentity, subject.pair);
        return found.length === 0 ? null : found.join(', ');
      }),
  },
  {
    id: 'event_triggers',
    error: 'event_trigger_always',
    severity: 'critical',
    ok: 'no event trigger fires for replicas',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const found = await rows(session, sql.alwaysEventTriggers);
        return found.length === 0 ? null : found.map(({ name }) => name).join(', ');
      }),
  },
  {
    id: 'prepared_transactions',
    error: 'prepared_transactions_pending',
    severity: 'warning',
    ok: 'no prepared transaction is pending',
    wrong: (subject) =>
      eachSide(subject, async (session) => {
        const count = (await rows(session, sql.preparedTransactions))[0]?.['count'];
        return count === '0' ? null : `${count} pending`;
      }),
  },
  {
    id: 'one_pair',
    error: 'database_of_another_pair',
    severity: 'critical',
    ok: 'neither database belongs to another pair',
    wrong: (subject) =>
      eachSide(subject, async (session, side) => {
        if ((await rows(session, sql.schemaInstalled))[0]?.['installed'] !== 't') return null;
        const [row] = await rows(session, sql.installedPair);
        if (!row || (row['pair'] === subject.pair.name && row['side'] === side)) return null;
        return `belongs to pair ${row['pair']} as ${row['side']}`;
      }),
  },
  {
    id: 'target_tables',
    error: 'target_table_missing',
    severity: 'critical',
    ok: 'green has the tables, or the schema will be transferred',
    async wrong({ pair, sessions }) {
      if (pair.schema.transfer === 'pg_dump') return null;
      const there = new Set(await names(sessions.green, sql.userTables, pair));
      const missing = (await names(sessions.blue, sql.userTables, pair)).filter(
        (name) => !there.has(name),
      );
      return missing.length === 0 ? null : missing.join(', ');
    },
  },
  {
    id: 'target_empty',
    error: 'target_not_empty',
    severity: 'critical',
    ok: 'the copy meets no rows on green, or it has run',
    async wrong({ pair, sessions }) {
      if ((await rows(sessions.green, sql.schemaInstalled))[0]?.['installed'] === 't') return null;
      const source = new Set(await names(sessions.blue, sql.userTables, pair));
      const found: string[] = [];
      for (const { schema = '', name = '', rel = '' } of await rows(
        sessions.green,
        sql.userTables,
      )) {
        if (!source.has(`${schema}.${name}`)) continue;
        if (pair.schema.transfer === 'pg_dump') found.push(`${schema}.${name} exists`);
        else if ((await rows(sessions.green, sql.hasRows(rel)))[0]?.['found'] === 't') {
          found.push(`${schema}.${name} has rows`);
        }
      }
      return found.length === 0 ? null : found.join(', ');
    },
  },
];

async function maySetReplicaRole(session: Session): Promise<boolean> {
  try {
    await session.query(/* sql */ `set session_replication_role = replica`);
    await session.query(/* sql */ `set session_replication_role = origin`);
    return true;
  } catch {
    return false;
  }
}
