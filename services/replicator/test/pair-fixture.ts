import { startClusters as startServers, type PairClusters } from '@turnout/testkit/pair/clusters';
import { INSTALLED, TestPair } from '@turnout/testkit/pair/test-pair';
import { deferred, waitUntil } from '@turnout/core/waiting';
import { systemClock } from '@turnout/core/clock';
import { otherSide, sourceOf, targetOf, type Direction, type Side } from '@turnout/core/sides';
import type { Session } from '@turnout/postgres/session';
import type { ApplyObserver } from '../src/apply/applier.js';
import { CopyView } from '../src/copy/copy-view.js';
import { runCopy } from '../src/copy/run-copy.js';
import { installLink } from '../src/link/install-link.js';
import type { LinkSpec } from '../src/seed/link-spec.js';
import { runLink, type LinkLimits } from '../src/link/run-link.js';

export const LIMITS: LinkLimits = {
  rowsMax: 20_000,
  bytesMax: 8 << 20,
  memoryBytesMax: 128 << 20,
};

export type Clusters = PairClusters;

export function startClusters(): Promise<Clusters> {
  return startServers();
}

export function stopClusters(clusters: Clusters): Promise<void> {
  return clusters[Symbol.asyncDispose]();
}

export interface RunningTestLink {
  readonly leaks: string[];
  readonly outcome: Promise<unknown>;
  /** Stops the link and answers what it ended with. */
  stop(): Promise<unknown>;
}

let leaseEpoch = 0n;

/** A pair of databases with Turnout's objects and the same schema on both sides, and its links. */
export class Pair implements AsyncDisposable {
  readonly #pair: TestPair;
  readonly #running = new Set<RunningTestLink>();

  constructor(pair: TestPair) {
    this.#pair = pair;
  }

  static async create(clusters: Clusters, ddl: string): Promise<Pair> {
    const order = { clusters, tables: ddl, installed: INSTALLED, control: false } as const;
    return new Pair(await TestPair.create(order));
  }

  get name(): string {
    return this.#pair.name;
  }

  get blue(): Session {
    return this.#pair.blue;
  }

  get green(): Session {
    return this.#pair.green;
  }

  /** Opens the side's session anew, after its server went away. */
  async reconnect(side: Side): Promise<void> {
    await this.#pair.reconnect(side);
  }

  url(side: Side): string {
    return this.#pair.url(side);
  }

  session(side: Side): Session {
    return this.#pair.session(side);
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
  dump(side: Side, table: string): Promise<string[]> {
    return this.#pair.dump(side, table);
  }

  async stopAll(): Promise<void> {
    for (const running of this.#running) await running.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopAll();
    await this.#pair[Symbol.asyncDispose]();
  }
}
