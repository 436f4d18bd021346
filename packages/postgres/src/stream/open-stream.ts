import { assert } from '@turnout/core/assert';
import { isAppError } from '@turnout/core/app-error';
import { formatLsn, laterOf, LSN_ZERO, lsn, parseLsn, type Lsn } from '@turnout/core/lsn';
import { deferred } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import type pg from 'pg';
import { LogicalReplicationService } from 'pg-logical-replication/dist/logical-replication-service.js';
import { serverFacts } from '../database-error.js';
import { PgoutputDecoder } from '../pgoutput/decoder.js';
import { clientConfig, connectionError } from '../session.js';
import type { ChangeStream, StreamOptions } from './change-stream.js';
import { FarewellDetector } from './farewell.js';
import { ServerWatch } from './server-watch.js';
import { TurnoutPlugin } from './turnout-plugin.js';

/** Longest time between two status messages, whatever the server allows. */
const STATUS_INTERVAL_MS_MAX = 10_000;
/** The server ends a reader it has not heard of for its timeout; four tries fit in. */
const STATUS_PER_TIMEOUT = 4;
/** Silence of the server for this many of its timeouts counts as a dead connection. */
const SILENCE_TIMEOUTS = 2;

interface Socket {
  pause(): void;
  resume(): void;
}

/** `pg` does not type its connection; the socket is all that is needed of it. */
function socketOf(client: pg.Client): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

/** On a replication connection only the simple protocol works: no parameters. */
async function readSenderTimeoutMs(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ setting: string }>(
    /* sql */ `select setting from pg_settings where name = 'wal_sender_timeout'`,
  );
  return Number(rows[0]?.setting ?? 0);
}

class ReplicationStream implements ChangeStream {
  readonly #options: StreamOptions;
  readonly #decoder = new PgoutputDecoder();
  readonly #service: LogicalReplicationService;
  readonly #started = deferred();
  readonly #ended = deferred();
  #durable: Lsn;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #senderTimeoutMs = 0;
  #farewell = new FarewellDetector(0);
  readonly #watch: ServerWatch;
  #heardAtMs = 0;
  #reading = true;
  #closing: Promise<void> | null = null;
  /** Why the stream stopped by itself; nothing is handed on any more once it is set. */
  #fault: Error | null = null;

  constructor(options: StreamOptions) {
    assert(options.startLsn > LSN_ZERO, 'a stream starts at a durable position');
    this.#options = options;
    this.#durable = options.startLsn;
    const { endpoint, applicationName } = options;
    this.#watch = new ServerWatch({ endpoint, applicationName }, () => this.#letGo());
    this.#service = new LogicalReplicationService(clientConfig({ endpoint, applicationName }), {
      // Both defaults would acknowledge what was received, applied or not.
      acknowledge: { auto: false, timeoutSeconds: 0 },
      flowControl: { enabled: false },
    });
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async open(): Promise<void> {
    const { slot, startLsn, publication } = this.#options;
    const plugin = new TurnoutPlugin({
      publication,
      prepare: async (client) => {
        this.#socket = socketOf(client);
        this.#senderTimeoutMs = await readSenderTimeoutMs(client);
        this.#farewell = new FarewellDetector(this.#senderTimeoutMs);
      },
      onPayload: (payload) => this.#receive(payload),
    });
    this.#service.on('start', () => this.#begin());
    this.#service.on('heartbeat', (walEnd, _at, mustAnswer) => this.#keepalive(walEnd, mustAnswer));
    // The promise of `subscribe` says the same; without a listener the emitter would throw.
    this.#service.on('error', () => undefined);
    this.#service.subscribe(plugin, slot, formatLsn(startLsn)).then(
      () => this.#finish(null),
      (thrown: unknown) => this.#finish(thrown),
    );
    await this.#started.promise;
  }

  acknowledge(position: Lsn): void {
    this.#durable = laterOf(this.#durable, position);
    this.#sendStatus(false);
  }

  pauseReading(): void {
    this.#reading = false;
    this.#socket?.pause();
  }

  resumeReading(): void {
    this.#reading = true;
    this.#heardAtMs = performance.now();
    this.#socket?.resume();
  }

  close(): Promise<void> {
    this.#closing ??= this.#stop().then(() => this.ended.catch(() => undefined));
    return this.#closing;
  }

  #begin(): void {
    this.#heardAtMs = performance.now();
    const intervalMs = Math.min(
      STATUS_INTERVAL_MS_MAX,
      this.#senderTimeoutMs > 0
        ? Math.max(1, this.#senderTimeoutMs / STATUS_PER_TIMEOUT)
        : STATUS_INTERVAL_MS_MAX,
    );
    this.#timer = setInterval(() => this.#tick(), intervalMs);
    this.#watch.ensure();
    this.#started.resolve();
  }

  #tick(): void {
    const silentMs = performance.now() - this.#heardAtMs;
    const limitMs = this.#senderTimeoutMs * SILENCE_TIMEOUTS;
    if (this.#reading && limitMs > 0 && silentMs > limitMs) {
      this.#breakOff(this.#lost({ silent_ms: Math.round(silentMs) }));
      return;
    }
    this.#watch.ensure();
    // Asking for an answer makes an idle server speak, so that its silence means something.
    this.#sendStatus(true);
  }

  /** The library sends position + 1, which skips a transaction whose commit stands right there. */
  #sendStatus(mustAnswer: boolean): void {
    if (this.#fault || this.#closing) return;
    void this.#service.acknowledge(formatLsn(lsn(this.#durable - 1n)), mustAnswer);
  }

  #receive(payload: Buffer): void {
    if (this.#fault || this.#closing) return;
    this.#heardAtMs = performance.now();
    this.#farewell.reset();
    const message = this.#decoder.decode(payload);
    if (message === null) return;
    if (message.kind === 'failure') {
      const { slot } = this.#options;
      this.#breakOff(
        fail('stream_message_unknown', { slot, message: message.tag, reason: message.reason }),
      );
      return;
    }
    this.#guarded(() => this.#options.onMessage(message, payload.length));
  }

  #keepalive(walEnd: string, mustAnswer: boolean): void {
    if (this.#fault || this.#closing) return;
    this.#heardAtMs = performance.now();
    const position = parseLsn(walEnd);
    this.#guarded(() => this.#options.onKeepalive(position));
    if (!mustAnswer) return;
    if (this.#farewell.asked(position, this.#heardAtMs)) this.#letGo();
    else this.#sendStatus(false);
  }

  /** The server shuts down and waits for this reader: what it has not acknowledged is read again. */
  #letGo(): void {
    if (this.#fault || this.#closing) return;
    this.#breakOff(this.#lost({ reason: 'the server shuts down' }));
  }

  /** A throw here would reach the socket and end the process, not the stream. */
  #guarded(deliver: () => void): void {
    try {
      deliver();
    } catch (thrown) {
      this.#breakOff(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  #breakOff(fault: Error): void {
    this.#fault ??= fault;
    void this.#stop();
  }

  #lost(observed: Record<string, string | number | null>, cause?: unknown): Error {
    return fail('stream_ended', { slot: this.#options.slot, ...observed }, cause);
  }

  #startError(thrown: unknown): Error {
    const { slot, endpoint } = this.#options;
    if (isAppError(thrown)) return thrown;
    const { sqlstate, message } = serverFacts(thrown);
    if (sqlstate === '42704') return fail('slot_missing', { slot, sqlstate, message }, thrown);
    if (sqlstate === '55000') return fail('slot_lost', { slot, sqlstate, message }, thrown);
    return this.#socket ? this.#endError(thrown) : connectionError(endpoint, thrown);
  }

  /** Once it streams, the same states mean other objects: 42704 is a publication that is gone. */
  #endError(thrown: unknown): Error {
    const { sqlstate, message } = serverFacts(thrown);
    return this.#lost({ sqlstate, message }, thrown);
  }

  #finish(thrown: unknown): void {
    this.#started.reject(this.#startError(thrown));
    if (this.#fault) this.#ended.reject(this.#fault);
    else if (this.#closing) this.#ended.resolve();
    else this.#ended.reject(this.#endError(thrown));
    void this.#stop();
  }

  async #stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#watch.close();
    await this.#service.stop().catch(() => undefined);
  }
}

/**
 * Starts to stream a slot over a connection of its own. Nothing but `acknowledge` moves the slot.
 * @throws TRN2001, TRN2002, TRN2003, TRN3003 (no such slot), TRN3004 (slot lost), TRN3001 otherwise
 */
export async function openStream(options: StreamOptions): Promise<ChangeStream> {
  const stream = new ReplicationStream(options);
  await stream.open();
  return stream;
}
