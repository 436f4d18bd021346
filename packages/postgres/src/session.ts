import type { Secret } from '@turnout/core/secret';
import pg from 'pg';
import { fail } from '@turnout/contracts/errors';
import { serverFacts } from './database-error.js';

export type Session = pg.Client;

/** Where a side is; the password stays out of every print. */
export interface Endpoint {
  readonly url: string;
  readonly password?: Secret | undefined;
}

export interface SessionOptions {
  readonly endpoint: Endpoint;
  /** Full `application_name`; build it with `sessionName`. */
  readonly applicationName: string;
  readonly connectTimeoutMs?: number | undefined;
  /** Longest wait of ours for an answer, whatever the server does; the session is of no use after. */
  readonly queryTimeoutMs?: number | undefined;
  /** Settings fixed at start-up, on top of `PINNED_SETTINGS`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/**
 * Role and database defaults may change how values print and how transactions behave; every session
 * of ours says what it needs instead of inheriting.
 */
export const PINNED_SETTINGS = {
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  extra_float_digits: '3',
  timezone: 'UTC',
  client_encoding: 'UTF8',
  search_path: 'pg_catalog',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  bytea_output: 'hex',
  lc_monetary: 'C',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
} as const satisfies Record<string, string>;

/**
 * For sessions that run DDL of ours or write user tables: users' triggers and event triggers (all but
 * those enabled for replicas, which preflight refuses) neither fire on it nor refuse it.
 */
export const REPLICA_ROLE = { session_replication_role: 'replica' } as const;

/** Values stay text as the server printed them; dates would lose microseconds otherwise. */
const TEXT_ONLY: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value };

export function startupOptions(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replace(/([\\ ])/g, '\\$1')}`)
    .join(' ');
}

/** Settings that younger servers added: an older one would refuse the connection for naming them. */
const LATER_LIMITS = ['idle_session_timeout', 'transaction_timeout'];

/** What a URL may carry that would override what a session of ours says about itself. */
const OURS_IN_URL = [
  'application_name',
  'client_encoding',
  'fallback_application_name',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'options',
  'query_timeout',
  'replication',
  'statement_timeout',
];

/** `pg` lets the parts of the URL win, an empty password included; so ours go into the URL. */
function connectionString({ url, password }: Endpoint): string {
  const parsed = new URL(url);
  for (const name of OURS_IN_URL) parsed.searchParams.delete(name);
  if (password) parsed.searchParams.set('password', password.reveal());
  return parsed.href;
}

/** Maps what `pg` and the operating system say about a failed connection to the catalogue. */
export function connectionError(endpoint: Endpoint, thrown: unknown): Error {
  const { hostname, port, pathname } = new URL(endpoint.url);
  const code =
    thrown instanceof Error && 'code' in thrown ? String((thrown as { code: unknown }).code) : null;
  const { message } = serverFacts(thrown);
  const place = { host: hostname, port: port || '5432', database: pathname.slice(1) };
  const observed = { ...place, code, message };
  if (code === '28P01' || code === '28000') return fail('login_refused', observed, thrown);
  if (code === '42501') return fail('privilege_missing', observed, thrown);
  if (code === '3D000') return fail('database_missing', observed, thrown);
  return fail('postgres_unreachable', observed, thrown);
}

export function clientConfig({
  endpoint,
  applicationName,
  connectTimeoutMs = 5_000,
  queryTimeoutMs,
  settings = {},
}: SessionOptions): pg.ClientConfig {
  return {
    connectionString: connectionString(endpoint),
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    options: startupOptions({ ...PINNED_SETTINGS, ...settings }),
    types: TEXT_ONLY,
  };
}

/** Once per session, where the server has them: an idle session of ours is not to be ended. */
export async function liftLaterLimits(session: pg.ClientBase): Promise<void> {
  await session.query(
    /* sql */ `select set_config(name, '0', false) from pg_settings where name = any($1)`,
    [LATER_LIMITS],
  );
}

/**
 * Opens a session that the caller owns and ends. All values arrive as text.
 * @throws TRN2001, TRN2002, TRN2003, TRN2012
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const client = new pg.Client(clientConfig(options));
  // A connection that dies while idle must not end the process; the next query on it fails anyway.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await liftLaterLimits(client);
  } catch (thrown) {
    destroySession(client);
    throw connectionError(options.endpoint, thrown);
  }
  return client;
}

/**
 * Ends a session without waiting for its server: a half-open peer answers nothing for minutes. What
 * runs on it rejects at once; the server rolls back when it notices, or when its own limits say so.
 */
export function destroySession(session: Session): void {
  const { connection } = session as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}

/** How long a server may take to hang up after a session said goodbye. */
const GOODBYE_MS_MAX = 1_000;

/** Ends a session properly where its server answers; a half-open one is destroyed. Never rejects. */
export async function endSession(session: pg.ClientBase): Promise<void> {
  const client = session as Session;
  const timer = setTimeout(() => destroySession(client), GOODBYE_MS_MAX);
  await client.end().catch(() => undefined);
  clearTimeout(timer);
}

/** Runs `work` on a session of its own and closes it whatever happens. */
export async function withSession<T>(
  options: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await openSession(options);
  try {
    return await work(session);
  } finally {
    await endSession(session);
  }
}
