import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDatabase, dropDatabase, type DatabaseOptions } from './cluster/databases.js';
import { findBinaries, type MajorVersion } from './cluster/binaries.js';
import { Postmaster, type PostmasterFiles } from './cluster/postmaster.js';
import { copyTemplate, findTemplate } from './cluster/template.js';
import { freePort } from './process/free-port.js';
import { makeOwned, unprivileged } from './process/unprivileged.js';
import { startWatchdog, type Watchdog } from './process/watchdog.js';

/** Loopback only, small, and without fsync unless a test is about it. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_replication_slots: '20',
  max_wal_senders: '20',
  max_connections: '200',
  max_prepared_transactions: '10',
  shared_buffers: '64MB',
  fsync: 'off',
  autovacuum: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '%m [%p] %a ',
} as const;

const PORT_ATTEMPTS_MAX = 5;

export interface ClusterOptions {
  readonly version: MajorVersion;
  /** Server settings that add to or replace the defaults. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Shows in the directory name. */
  readonly name?: string | undefined;
  /** Where the cluster is kept; must not exist yet. A temporary directory unless given. */
  readonly directory?: string | undefined;
}

export type { MajorVersion } from './cluster/binaries.js';

/** A real PostgreSQL server with a data directory of its own. */
export class Cluster implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly version: string;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly logFile: string;
  readonly #files: PostmasterFiles;
  /** As given to the server on its command line. */
  readonly settings: Readonly<Record<string, string>>;
  readonly #watchdog: Watchdog;
  #port = 0;
  #postmaster: Postmaster | undefined;

  /** Use {@link startCluster}. */
  constructor(
    directory: string,
    version: string,
    program: string,
    settings: Readonly<Record<string, string>>,
  ) {
    this.version = version;
    this.directory = directory;
    this.dataDirectory = join(directory, 'data');
    this.logFile = join(directory, 'server.log');
    this.#files = { program, dataDirectory: this.dataDirectory, logFile: this.logFile };
    this.settings = settings;
    const pidFile = join(this.dataDirectory, 'postmaster.pid');
    this.#watchdog = startWatchdog(directory, pidFile, this.dataDirectory, 'QUIT');
    process.once('exit', this.#onExit);
  }

  get port(): number {
    return this.#port;
  }

  get running(): boolean {
    return this.#postmaster?.running ?? false;
  }

  /** Connection URL without a password: loopback is trusted. */
  url(database = 'postgres', user = 'postgres'): string {
    return `postgres://${user}@${this.host}:${this.#port}/${database}`;
  }

  createDatabase(name: string, options: DatabaseOptions = {}): Promise<string> {
    return createDatabase(this.url(), name, options).then(() => this.url(name));
  }

  /** Removes the database and ends the sessions in it; logical slots in it must be gone before. */
  dropDatabase(name: string): Promise<void> {
    return dropDatabase(this.url(), name);
  }

  /** Starts the server on the port it had before, or on a free one the first time. */
  async start(): Promise<void> {
    if (this.running) return;
    const fixed = this.#port !== 0;
    for (let attempt = 1; ; attempt += 1) {
      if (!fixed) this.#port = await freePort();
      try {
        const settings = { ...this.settings, port: String(this.#port) };
        this.#postmaster = await Postmaster.start(this.#files, settings);
        return;
      } catch (thrown) {
        // Somebody took the port between our look and the start.
        const taken =
          thrown instanceof Error && /could not (bind|create any TCP)/.test(thrown.message);
        if (fixed || !taken || attempt >= PORT_ATTEMPTS_MAX) throw thrown;
      }
    }
  }

  /** Fast shutdown: sessions are ended, everything is written. */
  async stop(): Promise<void> {
    await this.#postmaster?.stop();
  }

  /** Ends every process of the server by signal 9; `start` recovers as after a power cut. */
  async crash(): Promise<void> {
    await this.#postmaster?.crash();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends the server and removes its directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#postmaster?.abandon();
    await rm(this.directory, { recursive: true, force: true });
    process.removeListener('exit', this.#onExit);
    await this.#watchdog.release();
  }

  readonly #onExit = (): void => {
    this.#postmaster?.killAll();
    try {
      rmSync(this.directory, { recursive: true, force: true });
    } catch {
      // A dying backend may still have made a file; the watchdog comes after us.
    }
  };
}

/**
 * Makes and starts a cluster of the given major version. It ends with this process whatever way
 * that ends; dispose of it to end it sooner. Rejects with one sentence when PostgreSQL is missing.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const template = await findTemplate(await findBinaries(options.version));
  return startOn(options, (dataDirectory) => copyTemplate(template, dataDirectory));
}

/** Starts a server on a data directory that `fill` makes. */
export async function startOn(
  { version, settings, ...place }: ClusterOptions,
  fill: (dataDirectory: string) => Promise<void>,
): Promise<Cluster> {
  const binaries = await findBinaries(version);
  const name = `turnout-${place.name ?? 'pg'}-${randomBytes(4).toString('hex')}`;
  const wanted = place.directory ?? join(await realpath(tmpdir()), name);
  await makeOwned(wanted, unprivileged());
  const cluster = new Cluster(
    await realpath(wanted),
    binaries.version,
    join(binaries.directory, 'postgres'),
    { ...SETTINGS, ...settings },
  );
  try {
    await fill(cluster.dataDirectory);
    await cluster.start();
  } catch (thrown) {
    await cluster[Symbol.asyncDispose]();
    throw thrown;
  }
  return cluster;
}
