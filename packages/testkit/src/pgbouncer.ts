import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from './process/program.js';
import { Server } from './process/server.js';

const READY_MS_MAX = 10_000;

export interface PgBouncerOptions {
  /** Databases at the start: the text after `name =`, for example `host=127.0.0.1 port=5432`. */
  readonly databases: Readonly<Record<string, string>>;
  /** Users who may connect, without a password; the console user `pgbouncer` is added. */
  readonly users?: readonly string[] | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** A real PgBouncer with transaction pooling. */
export interface PgBouncer extends AsyncDisposable {
  readonly port: number;
  /** URL of the console. */
  readonly adminUrl: string;
  /** The included file that holds `[databases]` only; the route is moved by rewriting it. */
  readonly databasesFile: string;
  readonly logFile: string;
  url(database: string, user?: string): string;
  /** Ends it by signal 9. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

/** Names what is missing, or null. */
export async function pgBouncerMissing(): Promise<string | null> {
  const found = await findProgram('pgbouncer');
  return found === null ? 'pgbouncer is not installed (Debian package pgbouncer)' : null;
}

export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const command = await findProgram('pgbouncer');
  if (command === null) throw new Error((await pgBouncerMissing()) ?? 'pgbouncer is missing');
  let databasesWritten = false;
  const server = await Server.start({
    name: 'pgbouncer',
    readyMsMax: READY_MS_MAX,
    async prepare(directory, port) {
      const users = new Set([...(options.users ?? ['app', 'postgres']), 'pgbouncer']);
      const settings = { ...defaults(directory, port), ...options.settings };
      await writeFile(join(directory, 'users.txt'), [...users].map((u) => `"${u}" ""\n`).join(''));
      await writeFile(join(directory, 'pgbouncer.ini'), configuration(directory, settings));
      // A restart must find the route as it was last written, not as it was at first.
      if (!databasesWritten)
        await writeFile(databasesPath(directory), databases(options.databases));
      databasesWritten = true;
      for (const file of ['users.txt', 'pgbouncer.ini', 'databases.ini']) {
        await chmod(join(directory, file), 0o644);
      }
      return { command, args: [join(directory, 'pgbouncer.ini')] };
    },
  });
  const url = (database: string, user = 'app'): string =>
    `postgres://${user}@127.0.0.1:${server.port}/${database}`;
  return {
    port: server.port,
    adminUrl: url('pgbouncer', 'pgbouncer'),
    databasesFile: databasesPath(server.directory),
    logFile: server.logFile,
    url,
    crash: () => server.kill(),
    start: () => server.start(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function databasesPath(directory: string): string {
  return join(directory, 'databases.ini');
}

function databases(entries: Readonly<Record<string, string>>): string {
  const lines = Object.entries(entries).map(([name, target]) => `${name} = ${target}`);
  return ['[databases]', ...lines, ''].join('\n');
}

function configuration(directory: string, settings: Readonly<Record<string, string>>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return [`%include ${databasesPath(directory)}`, '', '[pgbouncer]', ...lines, ''].join('\n');
}

function defaults(directory: string, port: number): Record<string, string> {
  return {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    pool_mode: 'transaction',
    auth_type: 'trust',
    auth_file: join(directory, 'users.txt'),
    admin_users: 'pgbouncer',
    default_pool_size: '40',
    max_client_conn: '500',
    // A login that fails while the route moves may not hold everybody back for 15 seconds.
    server_login_retry: '0',
    ignore_startup_parameters: 'extra_float_digits,options,statement_timeout,lock_timeout',
  };
}
