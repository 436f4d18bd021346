import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitUntil } from '@turnout/core/waiting';
import { startOn, type Cluster } from './cluster.js';
import { withClient } from './cluster/client.js';
import { MAJOR_VERSIONS, type MajorVersion } from './cluster/binaries.js';
import { readStatus } from './cluster/process-tree.js';
import { findProgram } from './process/program.js';
import { run } from './process/run.js';
import { unprivileged } from './process/unprivileged.js';

const POLL = { timeoutMs: 30_000, intervalMs: 10 };
const SIGTERM_BIT = 1n << 14n;

/** Asked of every server here; a walreceiver that was halted must not be in the way of the end. */
type Server = Pick<Cluster, 'url'>;

export interface StandbyOptions {
  /** `application_name` of its walreceiver: what `synchronous_standby_names` lists. */
  readonly name?: string | undefined;
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** A physical standby of a cluster, streaming, which can be made to lag and can be promoted. */
export class Standby implements AsyncDisposable {
  /** The server itself: its URL, its files, `stop`, `crash`, `start`. */
  readonly cluster: Cluster;
  readonly name: string;
  readonly #primary: Server;
  #halted: number | null = null;

  /** Use {@link startStandby}. */
  constructor(cluster: Cluster, name: string, primary: Server) {
    this.cluster = cluster;
    this.name = name;
    this.#primary = primary;
  }

  url(database?: string, user?: string): string {
    return this.cluster.url(database, user);
  }

  /** Resolves when the primary says that it streams to this standby. */
  async untilStreaming(): Promise<void> {
    await until(
      `${this.name} does not stream`,
      this.#primary,
      /* sql */ `
      select from pg_stat_replication where application_name = '${this.name}' and state = 'streaming'`,
    );
  }

  /** Resolves when everything that the primary has written by now is applied here. */
  async untilCaughtUp(): Promise<void> {
    const lsn = await one(this.#primary, `select pg_current_wal_insert_lsn()::text as value`);
    await until(
      `${this.name} does not catch up to ${lsn}`,
      this.cluster,
      /* sql */ `
      select where pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn`,
    );
  }

  /** What arrives is flushed and acknowledged, but not applied. */
  async pauseReplay(): Promise<void> {
    await one(this.cluster, `select pg_wal_replay_pause()::text as value`);
  }

  async resumeReplay(): Promise<void> {
    await one(this.cluster, `select pg_wal_replay_resume()::text as value`);
  }

  /** Halts the walreceiver: the connection stays, nothing is received, flushed or acknowledged. */
  async stallReceiver(): Promise<void> {
    const pid = await one(this.cluster, `select pid::text as value from pg_stat_wal_receiver`);
    if (pid === null) throw new Error(`${this.name} has no walreceiver`);
    this.#halted = Number(pid);
    process.kill(this.#halted, 'SIGSTOP');
  }

  resumeReceiver(): void {
    if (this.#halted === null) return;
    try {
      process.kill(this.#halted, 'SIGCONT');
    } catch {
      // The primary or the server ended it meanwhile.
    }
    this.#halted = null;
  }

  /** Makes it a primary of its own; what it had not received is not there. */
  async promote(): Promise<void> {
    await one(this.cluster, `select pg_promote(false)::text as value`);
    const halted = this.#halted;
    if (halted !== null) {
      // A walreceiver that goes on before it is told to end would first read what lies in its socket.
      await waitUntil(() => Promise.resolve(isEndPending(halted) || undefined), {
        ...POLL,
        onTimeout: () => new Error(`the walreceiver of ${this.name} is not told to end`),
      });
      this.resumeReceiver();
    }
    const question = /* sql */ `select where not pg_is_in_recovery()`;
    await until(`${this.name} is not promoted`, this.cluster, question);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.resumeReceiver();
    await this.cluster[Symbol.asyncDispose]();
  }
}

/** Names what is missing, or null. */
export async function standbyMissing(): Promise<string | null> {
  const found = await findProgram('pg_basebackup');
  return found === null
    ? 'pg_basebackup is not installed (Debian package postgresql-client)'
    : null;
}

/** Copies `primary` and starts the copy as its standby; resolves when it streams. */
export async function startStandby(
  primary: Cluster,
  { name = 'standby', settings = {} }: StandbyOptions = {},
): Promise<Standby> {
  const program = await findProgram('pg_basebackup');
  if (program === null) throw new Error((await standbyMissing()) ?? 'pg_basebackup is missing');
  const source = ['-h', primary.host, '-p', String(primary.port), '-U', 'postgres'];
  const conninfo = `host=${primary.host} port=${primary.port} user=postgres application_name=${name}`;
  const cluster = await startOn(
    {
      version: majorOf(primary),
      name,
      // A standby needs at least the limits of its primary.
      settings: { ...primary.settings, primary_conninfo: conninfo, ...settings },
    },
    async (dataDirectory) => {
      const how = ['-X', 'stream', '-c', 'fast', '--no-sync', '-D', dataDirectory];
      await run(program, [...source, ...how], { ...unprivileged(), cwd: '/' });
      await writeFile(join(dataDirectory, 'standby.signal'), '');
    },
  );
  const standby = new Standby(cluster, name, primary);
  try {
    await standby.untilStreaming();
  } catch (thrown) {
    await standby[Symbol.asyncDispose]();
    throw thrown;
  }
  return standby;
}

function majorOf({ version }: Cluster): MajorVersion {
  const major = MAJOR_VERSIONS.find((each) => version.startsWith(`${each}.`));
  if (major === undefined) throw new Error(`no programs for PostgreSQL ${version}`);
  return major;
}

/** Has a halted process been sent SIGTERM? It acts on that as soon as it goes on. */
function isEndPending(pid: number): boolean {
  const pending = readStatus(pid).matchAll(/^(?:SigPnd|ShdPnd):\s+([0-9a-f]+)$/gm);
  return [...pending].some(([, mask]) => (BigInt(`0x${mask}`) & SIGTERM_BIT) !== 0n);
}

async function one(server: Server, text: string): Promise<string | null> {
  return withClient(server.url(), async (client) => {
    const { rows } = await client.query<{ value: string }>(text);
    return rows[0]?.value ?? null;
  });
}

/** Waits until the question has an answer. */
async function until(problem: string, server: Server, question: string): Promise<void> {
  await withClient(server.url(), (client) =>
    waitUntil(async () => ((await client.query(question)).rowCount ? true : undefined), {
      ...POLL,
      onTimeout: () => new Error(problem),
    }),
  );
}
