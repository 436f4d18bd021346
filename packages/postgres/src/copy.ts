import type { Readable, Writable } from 'node:stream';
import { from, to } from 'pg-copy-streams';
import type { Session } from './session.js';

/** `rowCount` is set once the stream has ended. */
export type CopySource = Readable & { readonly rowCount: number };
export type CopySink = Writable & { readonly rowCount: number };

/**
 * Runs `copy … to stdout` and hands out its raw bytes. The session is busy until the stream ends;
 * destroying it early leaves the session in the middle of the copy, so end the session then.
 */
export function copyOut(session: Session, sql: string): CopySource {
  return session.query(to(sql));
}

/**
 * Runs `copy … from stdin` with the bytes written to it; `finish` comes when the server has taken
 * all. Destroying it makes the server fail the copy, and with it the transaction.
 */
export function copyIn(session: Session, sql: string): CopySink {
  return session.query(from(sql));
}
