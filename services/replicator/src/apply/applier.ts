import { CancelledSignal } from '@turnout/core/waiting';
import { otherDirection } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { handoverEpoch } from '../stream/handover-signal.js';
import type { ItemQueue } from '../stream/item-queue.js';
import type { MemoryMeter } from '../stream/memory-meter.js';
import type {
  LargeTransaction,
  SourceTransaction,
  StreamItem,
  WholeTransaction,
} from '../stream/source-transaction.js';
import { contentError, failureKind } from './apply-failure.js';
import { Batching, type Lane, type TargetedStatement } from './batching.js';
import {
  Group,
  GROUP_TRANSACTIONS_FIRST,
  GROUP_TRANSACTIONS_MAX,
  type GroupLimits,
} from './group.js';
import { applyLarge } from './large-transaction.js';
import { LeakRecorder } from './leak-recorder.js';
import { countOperations, noOperations, type OperationCounts } from './operations.js';
import type { FlushTracker } from './flush-tracker.js';
import { parseProgress, type ProgressKeeper } from './progress-keeper.js';
import { openLink, readProgress } from './sql/progress.js';
import type { TargetCatalog } from './target-catalog.js';
import { refusedStatement, type TargetSession, type TextRow } from './target-session.js';

/** Tries of one group after a deadlock and the like, or a refused CAS that changed nothing. */
const TRIES_MAX = 20;

/** Called after each commit on the target; must not throw. */
export interface ApplyObserver {
  onApplied(transactions: readonly SourceTransaction[], counts: OperationCounts): void;
  onLeak(transaction: SourceTransaction, tables: readonly string[]): void;
  onOpened(switchEpoch: bigint): void;
}

export interface ApplierOptions {
  readonly target: TargetSession;
  readonly catalog: TargetCatalog;
  readonly progress: ProgressKeeper;
  readonly flushTracker: FlushTracker;
  readonly queue: ItemQueue;
  readonly meter: MemoryMeter;
  readonly limits: GroupLimits;
  readonly observer: ApplyObserver;
}

/** Applies, skips or records each item of the stream in order, or opens the link on it: LINKS 3 to 6. */
export class Applier {
  readonly #options: ApplierOptions;
  readonly #leaks: LeakRecorder;
  #group: Group;
  #transactionsMax = GROUP_TRANSACTIONS_FIRST;
  /** Transactions still to be applied one by one, after their group was refused. */
  #singleTransactions = 0;
  #refusals = 0;

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.#leaks = new LeakRecorder(options.target, options.progress);
    this.#group = this.#newGroup();
  }

  /**
   * Runs until `signal` aborts (then rejects with `CancelledSignal`) or the link must stop.
   * @throws TRN3001, TRN3006, TRN3007, TRN3008, TRN3009, TRN3011
   */
  async run(signal: AbortSignal): Promise<never> {
    const { queue, flushTracker } = this.#options;
    for (;;) {
      const item = queue.shift();
      if (item) {
        await this.#dispatch(item);
      } else if (!this.#group.empty) {
        await this.#applyGroup();
      } else {
        const dueInMs = flushTracker.dueInMs();
        if (dueInMs === 0) await flushTracker.persist();
        else await queue.wait(dueInMs, signal);
      }
      if (signal.aborted) throw new CancelledSignal('applier');
    }
  }

  async #dispatch(item: StreamItem): Promise<void> {
    const { progress, flushTracker } = this.#options;
    if (item.type === 'idle') return flushTracker.passed(item.walEnd, this.#group.empty);
    if (item.finalLsn <= progress.row.sourceLsn) return this.#skip(item);
    if (item.type === 'large') return this.#dispatchLarge(item);
    switch (item.kind) {
      case 'ours':
        await this.#openOnHandover(item);
        return this.#skip(item);
      case 'empty':
        return this.#skip(item);
      case 'turnout':
        return this.#enqueue(item);
      case 'user':
        return progress.row.open ? this.#enqueue(item) : this.#leak(item);
    }
  }

  async #enqueue(transaction: WholeTransaction): Promise<void> {
    this.#group.add(transaction);
    this.#options.flushTracker.passed(transaction.endLsn, false);
    if (this.#group.full) await this.#applyGroup();
  }

  async #skip(transaction: SourceTransaction): Promise<void> {
    const { meter, flushTracker } = this.#options;
    if (transaction.type === 'whole') {
      meter.release(transaction.bytes);
      flushTracker.passed(transaction.endLsn, this.#group.empty);
      return;
    }
    for await (const _ of transaction.chunks);
    flushTracker.passed(await transaction.committed, this.#group.empty);
  }

  /** Everything before the next step is committed once this returns. */
  async #flush(): Promise<void> {
    while (!this.#group.empty) await this.#applyGroup();
  }

  /** Opens this link when the transaction closed the opposite one for a newer switch. */
  async #openOnHandover(transaction: WholeTransaction): Promise<void> {
    const { progress, flushTracker, target, observer } = this.#options;
    const epoch = handoverEpoch(transaction.changes[0], otherDirection(progress.link));
    if (epoch === null || epoch <= progress.row.switchEpoch) return;
    await this.#flush();
    // A link that was closed since it last applied does not know it yet.
    await progress.reload();
    for (let attempt = 1; attempt <= TRIES_MAX; attempt += 1) {
      const { row, link } = progress;
      // A signal read again after a restart: the row has already passed it.
      if (transaction.finalLsn <= row.sourceLsn || epoch <= row.switchEpoch) return;
      if (row.open)
        throw fail('progress_in_user_transaction', {
          link,
          reason: 'hand-over to a link that is open',
        });
      const { finalLsn: source, endLsn: end } = transaction;
      const { leaseEpoch, sourceLsn: previous } = row;
      const signal = openLink({ link, leaseEpoch, switchEpoch: epoch, previous, source, end });
      const [opened] = await target.transaction([signal], { durable: true });
      if (opened?.[0]) {
        progress.seen(parseProgress(opened[0]));
        flushTracker.passed(end, true);
        flushTracker.committed(end, true);
        observer.onOpened(epoch);
        return;
      }
      await progress.reload();
    }
    throw fail('link_superseded', { link: progress.link, reason: 'could not be opened' });
  }

  async #leak(transaction: SourceTransaction): Promise<void> {
    const { flushTracker, observer, meter } = this.#options;
    await this.#flush();
    const leak = await this.#leaks.record(transaction);
    if (!leak) {
      // Its chunks are read: only the stream can bring them again.
      if (transaction.type === 'large')
        throw fail('stream_ended', { link: this.#options.progress.link });
      // The row moved or was opened meanwhile: the transaction is looked at anew.
      return this.#dispatch(transaction);
    }
    if (transaction.type === 'whole') meter.release(transaction.bytes);
    flushTracker.passed(leak.endLsn, true);
    flushTracker.committed(leak.previousEndLsn, true);
    observer.onLeak(transaction, leak.tables);
  }

  async #dispatchLarge(transaction: LargeTransaction): Promise<void> {
    const { progress, flushTracker, target, catalog, observer } = this.#options;
    await this.#flush();
    const { row } = progress;
    if (transaction.finalLsn <= row.sourceLsn) return this.#skip(transaction);
    if (!row.open) return this.#leak(transaction);
    const applied = await applyLarge(transaction, { progress, target, catalog });
    if (!applied) {
      await this.#refused();
      return this.#dispatch(transaction);
    }
    flushTracker.passed(applied.endLsn, true);
    flushTracker.committed(applied.endLsn, true);
    this.#refusals = 0;
    observer.onApplied([transaction], applied.counts);
  }

  async #applyGroup(): Promise<void> {
    const { target, catalog, flushTracker, progress, meter, observer } = this.#options;
    const group = this.#group;
    this.#group = this.#newGroup();
    const last = group.transactions.at(-1);
    if (!last) return;
    const user = group.transactions.findLast(({ kind }) => kind === 'user')?.finalLsn ?? null;
    const durable = group.hasMarker || flushTracker.durableDue;
    let statements: TargetedStatement[] = [];
    let seen: TextRow | undefined;
    try {
      for (const { changes } of group.transactions) await catalog.prepare(changes);
      const head = progress.advanceTo(last.finalLsn, last.endLsn, user);
      const lane: Lane = this.#singleTransactions > 0 ? 'ordered' : catalog.lane;
      const batching = new Batching(catalog.planOf, lane);
      for (const { changes } of group.transactions)
        for (const change of changes) batching.add(change);
      statements = batching.take();
      // Markers come at a steady pace: with them the link learns that it was closed.
      const look = group.hasMarker ? [readProgress(progress.link)] : [];
      const rows = await target.transaction([head, ...statements, ...look], { durable });
      seen = group.hasMarker ? rows.at(-1)?.[0] : undefined;
    } catch (thrown) {
      return this.#onRefusal(group, thrown, statements);
    }
    progress.moved(last.finalLsn, last.endLsn, user);
    if (seen) progress.seen(parseProgress(seen));
    flushTracker.committed(last.endLsn, durable);
    meter.release(group.bytes);
    this.#refusals = 0;
    if (this.#singleTransactions > 0) this.#singleTransactions -= group.transactions.length;
    else this.#transactionsMax = Math.min(GROUP_TRANSACTIONS_MAX, this.#transactionsMax * 2);
    const counts = noOperations();
    for (const { changes } of group.transactions) countOperations(counts, changes);
    observer.onApplied(group.transactions, counts);
  }

  /** The target took nothing of the group: find out what is true, then go through its items again. */
  async #onRefusal(
    group: Group,
    thrown: unknown,
    statements: readonly TargetedStatement[],
  ): Promise<void> {
    const kind = failureKind(thrown);
    if (kind === 'connection')
      throw fail('stream_ended', { link: this.#options.progress.link }, thrown);
    if (kind === 'progress' || kind === 'transient') {
      await this.#refused(thrown);
    } else if (kind === 'content') {
      const [first] = group.transactions;
      if (this.#singleTransactions > 0 && first && group.transactions.length === 1) {
        const failed = refusedStatement(thrown);
        const table = failed === null ? null : statements[failed - 1]?.table;
        throw contentError(thrown, first, table ?? null);
      }
      this.#transactionsMax = GROUP_TRANSACTIONS_FIRST;
      this.#singleTransactions = group.transactions.length;
    } else {
      throw thrown;
    }
    for (const transaction of group.transactions) await this.#requeue(transaction);
  }

  /** Goes through one item of a refused group, behind those that were joined meanwhile. */
  async #requeue(transaction: WholeTransaction): Promise<void> {
    this.#group = this.#group.empty ? this.#newGroup() : this.#group;
    await this.#dispatch(transaction);
  }

  async #refused(thrown?: unknown): Promise<void> {
    this.#refusals += 1;
    const { progress } = this.#options;
    if (this.#refusals > TRIES_MAX) throw fail('stream_ended', { link: progress.link }, thrown);
    await progress.reload();
  }

  #newGroup(): Group {
    return new Group(
      this.#options.limits,
      this.#singleTransactions > 0 ? 1 : this.#transactionsMax,
    );
  }
}
