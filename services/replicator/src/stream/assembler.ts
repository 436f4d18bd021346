import type { Clock } from '@turnout/core/clock';
import { assert } from '@turnout/core/assert';
import { laterOf, LSN_ZERO, type Lsn } from '@turnout/core/lsn';
import type { Change, StreamMessage } from '@turnout/postgres/pgoutput/messages';
import type { StreamHandlers } from '@turnout/postgres/stream/change-stream';
import { ChangeChunks } from './change-chunks.js';
import { isMarker, kindAfter, relationsOf, type ItemKind } from './classify.js';
import type { ItemQueue } from './item-queue.js';
import type { MemoryMeter } from './memory-meter.js';
import type { TransactionHead } from './source-transaction.js';

interface OpenTransaction {
  readonly head: TransactionHead;
  kind: ItemKind;
  changes: Change[];
  bytes: number;
  hasMarker: boolean;
  chunks: ChangeChunks | null;
}

export interface AssemblerOptions {
  readonly queue: ItemQueue;
  readonly meter: MemoryMeter;
  /** A user transaction beyond this size is handed over while it still arrives. */
  readonly largeBytes: number;
  readonly clock: Clock;
}

/** Puts the messages of the stream together to transactions, decides their kind, and queues them. */
export class Assembler implements StreamHandlers {
  readonly #queue: ItemQueue;
  readonly #meter: MemoryMeter;
  readonly #largeBytes: number;
  readonly #clock: Clock;
  #open: OpenTransaction | null = null;
  #failed = false;
  #receivedLsn: Lsn = LSN_ZERO;

  constructor({ queue, meter, largeBytes, clock }: AssemblerOptions) {
    this.#clock = clock;
    this.#queue = queue;
    this.#meter = meter;
    this.#largeBytes = largeBytes;
  }

  /** End of the last commit or keepalive received. */
  get receivedLsn(): Lsn {
    return this.#receivedLsn;
  }

  onMessage(message: StreamMessage, bytes: number): void {
    // Handlers run inside the socket's callback: a throw there would be lost or end the process.
    try {
      if (!this.#failed) this.#accept(message, bytes);
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  onKeepalive(walEnd: Lsn): void {
    if (this.#open || this.#failed) return;
    this.#receivedLsn = laterOf(this.#receivedLsn, walEnd);
    this.#queue.push({ type: 'idle', walEnd });
  }

  /** The stream is over; what was received before is still delivered. */
  fail(error: unknown): void {
    this.#failed = true;
    this.#open?.chunks?.fail(error);
    this.#queue.fail(error);
  }

  #accept(message: StreamMessage, bytes: number): void {
    if (message.kind === 'begin') {
      const { finalLsn, xid, committedAtUs } = message;
      assert(!this.#open, 'a transaction begins inside another');
      this.#open = {
        head: { finalLsn, xid, committedAtUs },
        kind: 'empty',
        changes: [],
        bytes: 0,
        hasMarker: false,
        chunks: null,
      };
    } else if (message.kind === 'commit') {
      this.#commit(message.endLsn);
    } else {
      this.#change(message, bytes);
    }
  }

  #change(change: Change, bytes: number): void {
    const open = this.#open;
    assert(open, 'a change arrives outside a transaction');
    const first = open.kind === 'empty';
    open.kind = kindAfter(open.kind, change, open.head.xid);
    // The rest of our own transactions is dropped at once: a copy chunk must cost no memory here.
    if (open.kind === 'ours' && !first) return;
    this.#meter.add(bytes);
    if (open.chunks) return open.chunks.push(change, bytes);
    open.changes.push(change);
    open.bytes += bytes;
    open.hasMarker ||= relationsOf(change).some(isMarker);
    if (open.kind === 'user' && open.bytes > this.#largeBytes) this.#handOver(open);
  }

  #handOver(open: OpenTransaction): void {
    const chunks = new ChangeChunks(this.#meter, open.changes, open.bytes);
    open.chunks = chunks;
    open.changes = [];
    this.#queue.push({
      ...open.head,
      type: 'large',
      kind: 'user',
      chunks,
      committed: chunks.committed,
    });
  }

  #commit(endLsn: Lsn): void {
    const open = this.#open;
    assert(open, 'a commit arrives outside a transaction');
    this.#open = null;
    this.#receivedLsn = laterOf(this.#receivedLsn, endLsn);
    if (open.chunks) return open.chunks.close(endLsn);
    const { head, kind, changes, bytes, hasMarker } = open;
    const receivedAtMs = this.#clock.nowMs();
    this.#queue.push({
      ...head,
      type: 'whole',
      kind,
      endLsn,
      changes,
      bytes,
      hasMarker,
      receivedAtMs,
    });
  }
}
