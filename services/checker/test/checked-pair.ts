import { within } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import type { Store } from '@turnout/store/store';
import type { CheckKind, CheckRow } from '@turnout/store/checks';
import type { Cluster } from '@turnout/testkit/cluster';
import { INSTALLED, TestPair } from '@turnout/testkit/pair/test-pair';
import { NO_METERS, type PairContext } from '../src/checker-context.js';
import { PairChecker } from '../src/pair-checker.js';
import { SimpleApplier } from './simple-applier.js';

const LIMIT_MS = 30_000;

/** Blue (13) replicating to green (15), with a control store and a running checker. */
export class CheckedTestPair {
  readonly #pair: TestPair;
  readonly store: Store;
  readonly applier: SimpleApplier;
  readonly context: PairContext;
  #checker: { checker: PairChecker; stop: AbortController; ended: Promise<void> } | null = null;
  #unlisten: (() => Promise<void>) | null = null;

  constructor(pair: TestPair, applier: SimpleApplier, context: PairContext) {
    this.#pair = pair;
    this.store = pair.store;
    this.applier = applier;
    this.context = context;
  }

  get blue(): Session {
    return this.#pair.blue;
  }

  get green(): Session {
    return this.#pair.green;
  }

  /** Of blue and of green. */
  get clusters(): readonly Cluster[] {
    const { blue, green } = this.#pair.clusters;
    return [blue, green];
  }

  async startChecker(): Promise<void> {
    const checker = new PairChecker(this.context, 1n);
    const stop = new AbortController();
    this.#checker = { checker, stop, ended: checker.run(stop.signal) };
    this.#unlisten = await this.store.listen((topic) => {
      if (topic === 'checks' || topic === 'tracking' || topic === 'pairs') checker.wake();
    });
  }

  async stopChecker(): Promise<void> {
    await this.#unlisten?.();
    this.#checker?.stop.abort();
    await this.#checker?.ended;
    this.#checker = null;
  }

  /** Requests a check and waits for its end. */
  async check(kind: CheckKind, params: Record<string, unknown> = {}): Promise<CheckRow> {
    const finished = new Map<string, () => void>();
    let resolveId: (id: string) => void = () => undefined;
    const ids: string[] = [];
    const unlisten = await this.store.listen((topic, _pair, detail) => {
      if (topic !== 'checks' || !detail.endsWith(' finished')) return;
      ids.push(detail.split(' ')[0]!);
      finished.get(detail.split(' ')[0]!)?.();
      resolveId(detail);
    });
    try {
      const id = await this.store.checks.request('shop', kind, params);
      const ended = new Promise<void>((resolve) => {
        finished.set(id, resolve);
        if (ids.includes(id)) resolve();
      });
      await within(ended, LIMIT_MS, () => new Error(`check ${kind} did not end`));
      return (await this.store.checks.get(id))!;
    } finally {
      await unlisten();
    }
  }

  async stop(): Promise<void> {
    await this.stopChecker();
    await this.applier.close();
    await this.#pair[Symbol.asyncDispose]();
  }
}

export async function startCheckedPair(
  schema: string,
  tables: readonly string[],
): Promise<CheckedTestPair> {
  const pair = await TestPair.create({ tables: schema, installed: INSTALLED });
  const { store } = pair;
  const [blue, green] = [pair.endpoint('blue'), pair.endpoint('green')];
  const applier = await SimpleApplier.start(
    blue,
    green,
    tables.map((name) => ({ schema: 'public', name })),
  );
  await store.journal.transition('shop', {
    phase: 'verifying',
    type: 'test',
    data: {},
    actor: 'test',
  });
  await store.links.ensure('shop', 'forward');
  await store.links.report('shop', 'forward', {
    state: 'streaming',
    receivedLsn: null,
    appliedLsn: null,
    durableLsn: null,
    open: true,
    copy: null,
    transactionsApplied: 0,
    rowsApplied: 0,
    slot: null,
    markerSeen: null,
  });
  const context: PairContext = {
    pair: { name: pair.name, blue, green, tables: { include: [], exclude: [] } },
    store,
    log: {
      info: () => undefined,
      warn: (facts, message) => process.stderr.write(`${message} ${JSON.stringify(facts)}\n`),
    },
    meters: NO_METERS,
    instanceId: 'test',
  };
  return new CheckedTestPair(pair, applier, context);
}
