import { startCluster, type Cluster } from '@turnout/testkit/cluster';
import { deferred, waitUntil } from '@turnout/core/waiting';
import { systemClock } from '@turnout/core/clock';
import { otherSide, sourceOf, targetOf, type Direction, type Side } from '@turnout/core/sides';
import { installCluster } from '@turnout/postgres/cluster/install';
import { openSession, type Session } from '@turnout/postgres/session';
import type { ApplyObserver } from '../src/apply/applier.js';
import { CopyView } from '../src/copy/copy-view.js';
import { runCopy } from '../src/copy/run-copy.js';
import { installLink } from '../src/link/install-link.js';
import type { LinkSpec } from '../src/link/link-spec.js';
import { runLink, type LinkLimits } from '../src/link/run-link.js';

export const LIMITS: LinkLimits = {
  rowsMax: 20_000,
  bytesMax: 8 << 20,
  memoryBytesMax: 128 << 20,
};

export interface Clusters {
  readonly blue: Cluster;
  readonly green: Cluster;
}

export async function startClusters(): Promise<Clusters> {
  const [blue, green] = await Promise.all([
    startCluster({ version: '13', name: 'repl-blue' }),
    startCluster({ version: '15', name: 'repl-green' }),
  ]);
  return { blue, green };
}

export async function stopClusters({ blue, green }: Clusters): Promise<void> {
  await Promise.all([blue[Symbol.asyncDispose](), green[Symbol.asyncDispose]()]);
}

export interface RunningTestLink {
  readonly leaks: string[];
  readonly outcome: Promise<unknown>;
  /** Stops the link and answers what it ended with. */
  stop(): Promise<unknown>;
}

let databases = 0;
let leaseEpoch = 0n;

/** A pair of databases with Turnout's objects and the same schema on both sides. */
export class Pair implements AsyncDisposable {
  readonly #clusters: Clusters;
  readonly name: string;
  blue!: Session;
  green!: Session;
  readonly #running = new Set<RunningTestLink>();

  constructor(clusters: Clusters) {
    this.#clusters = clusters;
    this.name = `repl${(databases += 1)}`;
  }

  static async create(clusters: Clusters, ddl: string): Promise<Pair> {
    const pair = new Pair(clusters);
    for (const side of ['blue', 'green'] as const) {
      await clusters[side].createDatabase(pair.name);
      await pair.reconnect(side);
      const session = pair.session(side);
      await session.query(ddl);
      await installCluster(session, {
        pair: pair.name,
        side,
        state: side === 'blue' ? 'open' : 'closed',
      });
    }
    return pair;
  }

  /** Opens the side's session anew, after its server went away. */
  async reconnect(side: Side): Promise<void> {
    const old: Session | undefined = this.session(side);
    await old?.end().catch(() => undefined);
    const session = await openSession({
      endpoint: { url: this.url(side) },
      applicationName: 'test',
    });
    await session.query('set search_path = public');
    if (side === 'blue') this.blue = session;
    else this.green = session;
  }

  url(side: Side): string {
    return this.#clusters[side].url(this.name);
  }

  session(side: Side): Session {
    return side === 'blue' ? this.blue : this.green;
  }

  spec(link: Direction): LinkSpec {
    leaseEpoch += 1n;
    return {
      pair: this.name,
      link,
      source: { url: this.url(sourceOf(link)) },
      target: { url: this.url(targetOf(link)) },
      tables: { include: ['*.*'], exclude: [] },
      leaseEpoch,
    };
  }

  async copy(link: Direction = 'forward', workers = 2): Promise<CopyView> {
    const view = new CopyView(performance.now());
    const { signal } = new AbortController();
    await runCopy({ spec: this.spec(link), workers, open: true, view, signal });
    return view;
  }

  install(link: Direction, open = false): Promise<void> {
    return installLink(this.spec(link), open);
  }

  /** Starts a link and resolves once its stream is open. */
  async start(link: Direction, limits: LinkLimits = LIMITS): Promise<RunningTestLink> {
    const controller = new AbortController();
    const streaming = deferred();
    const leaks: string[] = [];
    const observer: ApplyObserver = {
      onApplied: () => undefined,
      onLeak: (_, tables) => void leaks.push(...tables),
      onOpened: () => undefined,
    };
    const outcome = runLink({
      spec: this.spec(link),
      limits,
      clock: systemClock,
      observer,
      onStreaming: () => streaming.resolve(),
      signal: controller.signal,
    }).catch((thrown: unknown) => thrown);
    const running: RunningTestLink = {
      leaks,
      outcome,
      stop: () => {
        this.#running.delete(running);
        controller.abort();
        return outcome;
      },
    };
    this.#running.add(running);
    await Promise.race([streaming.promise, outcome]);
    // A test that waits in vain shows why its link ended.
    void outcome.then((ended) => {
      if (this.#running.has(running)) process.stderr.write(`${link} ended: ${String(ended)}\n`);
    });
    return running;
  }

  /** Writes a marker on the link's source and waits until its target shows it. */
  async roundTrip(link: Direction, timeoutMs = 20_000): Promise<number> {
    const source = sourceOf(link);
    const token = `t${process.hrtime.bigint()}`;
    const startedMs = performance.now();
    await this.session(source).query(
      /* sql */ `update turnout.marker set token = $1, written_at = clock_timestamp() where side = $2 and kind = 'roundtrip'`,
      [token, source],
    );
    await waitUntil(
      async () => {
        const { rows } = await this.session(otherSide(source)).query(
          /* sql */ `select 1 from turnout.marker where side = $1 and kind = 'roundtrip' and token = $2`,
          [source, token],
        );
        return rows.length > 0 ? true : undefined;
      },
      { timeoutMs, intervalMs: 2, onTimeout: () => new Error(`marker over ${link} not seen`) },
    );
    return performance.now() - startedMs;
  }

  /** Content of a table as text, in an order of its own. */
  async dump(side: Side, table: string): Promise<string[]> {
    const { rows } = await this.session(side).query<{ row: string }>(
      `select t::text as row from ${table} t order by t::text collate "C"`,
    );
    return rows.map(({ row }) => row);
  }

  async stopAll(): Promise<void> {
    for (const running of this.#running) await running.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll();
    for (const side of ['blue', 'green'] as const) {
      const session = this.session(side);
      await session.query(
        /* sql */ `select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active`,
      );
      await waitUntil(
        async () => {
          const { rows } = await session.query(
            /* sql */ `select 1 from pg_replication_slots where database = current_database() and active`,
          );
          return rows.length === 0 ? true : undefined;
        },
        { timeoutMs: 5_000, intervalMs: 10, onTimeout: () => new Error('a slot stays active') },
      );
      await session.query(
        /* sql */ `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database()`,
      );
      await session.end();
      await this.#clusters[side].dropDatabase(this.name);
    }
  }
}
