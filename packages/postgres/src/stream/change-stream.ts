import type { Lsn } from '@turnout/core/lsn';
import type { StreamMessage } from '../pgoutput/messages.js';
import type { Endpoint } from '../session.js';

/** Receives the stream. Handlers run inside the socket's callback: synchronous, they never throw. */
export interface StreamHandlers {
  /** `bytes` is the size of the message on the wire, for limits on memory. */
  onMessage(message: StreamMessage, bytes: number): void;
  /** The server has nothing to send up to `walEnd`. Only an answer when no transaction is open. */
  onKeepalive(walEnd: Lsn): void;
}

export interface StreamOptions extends StreamHandlers {
  readonly endpoint: Endpoint;
  readonly slot: string;
  readonly publication: string;
  /** Durable position to start at; never omitted, for the library would take the last received. */
  readonly startLsn: Lsn;
  readonly applicationName: string;
}

/** One replication connection: it ends once and is never reused. */
export interface ChangeStream {
  /** Everything before `lsn` is durable here; repeated by the status timer until a later one. */
  acknowledge(lsn: Lsn): void;
  /** Stops reading the socket; status updates go on. */
  pauseReading(): void;
  resumeReading(): void;
  /** Settles when the stream has ended: resolved after `close`, rejected with TRN3001 or TRN3010 otherwise. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}
