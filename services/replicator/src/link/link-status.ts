import type { Facts } from '@turnout/core/app-error';
import { formatLsn, type Lsn } from '@turnout/core/lsn';
import { sourceOf, type Direction } from '@turnout/core/sides';
import type { LinkProgressed } from '@turnout/contracts/events';
import type { LinkObserved, LinkState } from '@turnout/store/links';
import { markerOf } from '../apply/sql/marker.js';
import type { CopyView } from '../copy/copy-view.js';
import type { SourceTransaction } from '../stream/source-transaction.js';
import type { RunningLink } from './run-link.js';

/** A heartbeat of the source as it was applied. */
interface HeartbeatSeen {
  readonly token: string;
  readonly writtenAt: string;
  readonly receivedAt: string;
  readonly appliedAt: string;
}

const rfc3339 = (ms: number): string => new Date(ms).toISOString();

/** The stream prints `2026-01-31 12:00:00.123456+00`. */
function markerTime(text: string): string {
  return text.replace(' ', 'T').replace(/\+00$/, 'Z');
}

const text = (lsn: Lsn | undefined): string | null => (lsn === undefined ? null : formatLsn(lsn));

/** Why a link does not run, as far as it may be shown. */
export interface LinkFailure {
  /** Of the catalogue; null for a defect of ours. */
  readonly code: string | null;
  readonly message: string;
  readonly facts: Facts;
}

/** All that a link reports about itself, kept by the worker and read by its reporter. */
export class LinkStatus {
  readonly #link: Direction;
  readonly #slot: string;
  state: LinkState = 'stopped';
  failure: LinkFailure | null = null;
  copy: CopyView | null = null;
  running: RunningLink | null = null;
  transactionsApplied = 0;
  rowsApplied = 0;
  #heartbeat: HeartbeatSeen | null = null;

  constructor(link: Direction, slot: string) {
    this.#link = link;
    this.#slot = slot;
  }

  applied(transactions: readonly SourceTransaction[], rows: number, nowMs: number): void {
    this.transactionsApplied += transactions.length;
    this.rowsApplied += rows;
    for (const transaction of transactions) {
      if (transaction.type === 'whole' && transaction.hasMarker) {
        this.#noteHeartbeat(transaction, nowMs);
      }
    }
  }

  #noteHeartbeat(
    { changes, receivedAtMs }: Extract<SourceTransaction, { type: 'whole' }>,
    nowMs: number,
  ): void {
    for (const change of changes) {
      if (change.kind === 'truncate' || change.relation.name !== 'marker') continue;
      const marker = markerOf(change);
      if (marker?.kind !== 'heartbeat' || marker.side !== sourceOf(this.#link)) continue;
      if (marker.token === null || marker.writtenAt === null) continue;
      this.#heartbeat = {
        token: marker.token,
        writtenAt: markerTime(marker.writtenAt),
        receivedAt: rfc3339(receivedAtMs),
        appliedAt: rfc3339(nowMs),
      };
    }
  }

  /** `watching` is derived from the link's own row, never commanded. */
  get visibleState(): LinkState {
    if (this.state !== 'streaming') return this.state;
    return this.running?.progress.row.open === false ? 'watching' : 'streaming';
  }

  observed(nowMonotonicMs: number): LinkObserved {
    const { running, copy, failure } = this;
    const beat = this.#heartbeat;
    return {
      state: this.visibleState,
      code: failure?.code ?? null,
      message: failure?.message ?? null,
      ...(failure ? { facts: failure.facts } : {}),
      receivedLsn: text(running?.assembler.receivedLsn || undefined),
      appliedLsn: text(running?.flushTracker.appliedLsn),
      durableLsn: text(running?.flushTracker.flushLsn),
      open: running?.progress.row.open ?? null,
      copy: copy && {
        tables: copy.tables.size,
        tablesDone: copy.tablesDone,
        rows: copy.rows,
        rowsExpected: copy.rowsExpected,
        bytes: copy.bytes,
        seconds: copy.seconds(nowMonotonicMs),
      },
      tables: [...(copy?.tables.values() ?? [])].map(({ table, rows, bytes, chunksLeft }) => ({
        table,
        rows,
        bytes,
        done: chunksLeft === 0,
        lane: null,
      })),
      transactionsApplied: this.transactionsApplied,
      rowsApplied: this.rowsApplied,
      slot: this.#slot,
      markerSeen: beat && { token: beat.token, at: beat.appliedAt },
    };
  }

  progressed(): LinkProgressed {
    const { running } = this;
    const beat = this.#heartbeat;
    return {
      direction: this.#link,
      received_lsn: text(running?.assembler.receivedLsn || undefined),
      applied_lsn: text(running?.flushTracker.appliedLsn),
      durable_lsn: text(running?.flushTracker.flushLsn),
      transactions_applied: this.transactionsApplied,
      rows_applied: this.rowsApplied,
      marker: beat && {
        token: beat.token,
        written_at: beat.writtenAt,
        received_at: beat.receivedAt,
        applied_at: beat.appliedAt,
      },
    };
  }
}
