import { backoffMs } from '@turnout/core/backoff';
import { formatLsn } from '@turnout/core/lsn';
import { sourceOf, targetOf } from '@turnout/core/sides';
import { CancelledSignal, pause, within } from '@turnout/core/waiting';
import { fail, isError, type ErrorName } from '@turnout/contracts/errors';
import { classified } from '../apply/apply-failure.js';
import type { ApplyObserver } from '../apply/applier.js';
import { TargetSession } from '../apply/target-session.js';
import { CopyView } from '../copy/copy-view.js';
import { readChunks } from '../copy/sql/bookkeeping.js';
import { runCopy } from '../copy/run-copy.js';
import type { LinkContext } from '../replicator-context.js';
import { installLink } from './install-link.js';
import { linkSessionName, type LinkSpec } from '../seed/link-spec.js';
import type { LinkReporter } from './link-reporter.js';
import { readStage, type LinkStage } from './link-stage.js';
import type { LinkStatus } from './link-status.js';
import { runLink } from './run-link.js';

const RECONNECT = { firstMs: 50, maxMs: 5_000 };
/** Longest wait for the store's word on the lease; a link goes on without it. */
export const LEASE_ANSWER_MS_MAX = 2_000;
/** Errors that pass by themselves. */
const TRANSIENT = ['postgres_unreachable', 'stream_ended'] as const satisfies readonly ErrorName[];

export interface LinkActivityOptions {
  readonly context: LinkContext;
  readonly status: LinkStatus;
  readonly reporter: LinkReporter;
  readonly leaseEpoch: bigint;
  /** Whether the lease is still ours; rejects when the store does not answer. */
  readonly stillHeld: () => Promise<boolean>;
  /** Resolves once the link is to stream, at once when it already is. */
  readonly untilStreaming: (signal: AbortSignal) => Promise<void>;
}

/** Brings a link from whatever is there to streaming, and keeps it there. */
export class LinkActivity {
  readonly #options: LinkActivityOptions;
  readonly #spec: LinkSpec;

  constructor(options: LinkActivityOptions) {
    this.#options = options;
    const { context, leaseEpoch } = options;
    const { settings, link } = context;
    this.#spec = {
      pair: settings.name,
      link,
      source: settings[sourceOf(link)],
      target: settings[targetOf(link)],
      tables: settings.tables,
      leaseEpoch,
    };
  }

  /**
   * Runs until `signal` aborts (rejects with `CancelledSignal`) or the link must stop.
   * @throws what stopped it; never an error that passes by itself
   */
  async run(signal: AbortSignal): Promise<never> {
    const { untilStreaming, reporter } = this.#options;
    await this.#retryTransient(signal, () => this.#prepare(signal));
    await untilStreaming(signal);
    await this.#retryTransient(signal, async () =>
      installLink(this.#spec, await this.#startsOpen()),
    );
    for (;;) {
      await this.#retryTransient(signal, (streamed) => this.#stream(signal, streamed));
      reporter.report();
    }
  }

  /** Repeats `work` with growing pauses while it fails in a way that passes. */
  async #retryTransient(
    signal: AbortSignal,
    work: (worked: () => void) => Promise<void>,
  ): Promise<void> {
    const { status, reporter, context } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work(() => (attempt = 0));
      } catch (raised) {
        if (signal.aborted) throw new CancelledSignal('link');
        const thrown = classified(raised, context.link);
        if (!isError(thrown, ...TRANSIENT)) throw thrown;
        context.metrics.failed(thrown.code);
        context.log.warn({ link: context.link, err: thrown }, 'link reconnects');
        reporter.change(status.state, thrown);
        await pause(backoffMs(attempt, RECONNECT), signal);
        await this.#requireLease();
      }
    }
  }

  /**
   * A connection that broke may have been ended by a successor. Each start of a link raises the epoch
   * in its progress row and so ends the other worker's link: without asking for the lease first, the
   * two would end each other in turns and apply nothing. A store that does not answer says nothing.
   * @throws TRN3009
   */
  async #requireLease(): Promise<void> {
    const { context, stillHeld } = this.#options;
    const late = (): Error => new Error('late');
    const held = await within(stillHeld(), LEASE_ANSWER_MS_MAX, late).catch(() => null);
    if (held === false) throw fail('link_superseded', { link: context.link, reason: 'lease lost' });
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    const { context, status, reporter } = this.#options;
    const open = await this.#startsOpen();
    const stage = await this.#stage();
    // A link without a copy begins closed: rows it never brought over must not be missed silently.
    if (stage === 'absent' && !open) return;
    if (stage === 'seeded') return reporter.change('copied');
    status.copy = new CopyView(context.clock.monotonicMs());
    reporter.change('copying');
    const { workers } = context.settings.copy;
    await runCopy({ spec: this.#spec, workers, open, view: status.copy, signal });
    reporter.change('copied');
  }

  async #stage(): Promise<LinkStage> {
    const { target, link } = this.#spec;
    const session = await TargetSession.open(target, linkSessionName(this.#spec, 'stage'));
    try {
      const stage = await readStage(session, link);
      if (stage === 'seeded' && this.#options.status.copy === null) await this.#recall(session);
      return stage;
    } finally {
      await session.close();
    }
  }

  /** The figures of a copy outlive the process that made it. */
  async #recall(session: TargetSession): Promise<void> {
    const { status, context } = this.#options;
    const chunks = await session.query(readChunks(context.link));
    if (chunks.length === 0) return;
    status.copy = new CopyView(context.clock.monotonicMs());
    status.copy.recall(chunks);
  }

  async #startsOpen(): Promise<boolean> {
    const { store, settings, link } = this.#options.context;
    const pair = await store.pairs.get(settings.name);
    return pair?.writableSide === sourceOf(link);
  }

  async #stream(signal: AbortSignal, streamed: () => void): Promise<void> {
    const { context, status, reporter } = this.#options;
    const { groupRowsMax, groupBytesMax, memoryBytesMax } = context.settings.apply;
    try {
      await runLink({
        spec: this.#spec,
        limits: { rowsMax: groupRowsMax, bytesMax: groupBytesMax, memoryBytesMax },
        clock: context.clock,
        observer: this.#observer(),
        onStreaming: (running) => {
          status.running = running;
          streamed();
          reporter.change('streaming');
        },
        signal,
      });
    } finally {
      status.running = null;
    }
  }

  #observer(): ApplyObserver {
    const { context, status, reporter } = this.#options;
    const { metrics, settings, link, log, store, clock } = context;
    const pair = settings.name;
    return {
      onApplied: (transactions, counts) => {
        const rows = counts.insert + counts.update + counts.delete + counts.truncate;
        status.applied(transactions, rows, clock.nowMs());
        metrics.applied(pair, link, transactions.length, counts);
      },
      onLeak: ({ finalLsn, xid }, tables) => {
        const data = { link, final_lsn: formatLsn(finalLsn), xid, tables };
        metrics.leaked(pair);
        log.error({ pair, ...data, code: 'TRN3013' }, 'a write on a closed side was found');
        const entry = { type: 'link.leak_found', data, actor: 'replicator', accepted: true };
        store.journal.append(pair, entry).catch(() => undefined);
      },
      onOpened: (switchEpoch) => {
        log.info({ pair, link, switch_epoch: String(switchEpoch) }, 'link was opened');
        reporter.report();
      },
    };
  }
}
