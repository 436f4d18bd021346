import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { assert } from '@turnout/core/assert';
import { isAppError } from '@turnout/core/app-error';
import { fail } from '@turnout/contracts/errors';
import { copyIn, copyOut } from '@turnout/postgres/copy';
import { isConnectionLost, serverFacts } from '@turnout/postgres/database-error';
import { quoteLiteral } from '@turnout/postgres/identifiers';
import { openSession, REPLICA_ROLE, type Session } from '@turnout/postgres/session';
import type { BuiltStatement } from '../apply/sql/statement.js';
import { linkSessionName, type LinkSpec } from '../seed/link-spec.js';
import { tableName, type Chunk } from './chunks.js';
import { copyInText, copyOutText } from './sql/copy-rows.js';
import { recordChunk, touchWorker } from './sql/bookkeeping.js';

/** Tries of one chunk whose connection broke; the snapshot lives on in the slot's connection. */
const CHUNK_TRIES_MAX = 3;

export interface CopyWorkerOptions {
  readonly spec: LinkSpec;
  readonly worker: string;
  /** Epoch of the worker's progress row: a copy that was superseded writes nothing more. */
  readonly epoch: bigint;
  readonly snapshot: string;
  readonly signal: AbortSignal;
}

export interface CopiedChunk {
  readonly rows: number;
  readonly bytes: number;
}

/** Copies chunks one after the other over a pair of sessions: bytes are piped, never parsed. */
export class CopyWorker {
  readonly #options: CopyWorkerOptions;
  #sessions: { source: Session; target: Session } | null = null;

  constructor(options: CopyWorkerOptions) {
    this.#options = options;
  }

  /** @throws TRN3012 naming the table; TRN3001, TRN2001 when the sides stay out of reach */
  async copy(chunk: Chunk): Promise<CopiedChunk> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#copyOnce(chunk);
      } catch (thrown) {
        await this.close();
        if (isAppError(thrown)) throw thrown;
        const { signal } = this.#options;
        if (isConnectionLost(thrown) && attempt < CHUNK_TRIES_MAX && !signal.aborted) continue;
        const { sqlstate, message, constraint, column } = serverFacts(thrown);
        const named = { table: tableName(chunk.table), chunk: chunk.id };
        if (isConnectionLost(thrown))
          throw fail('stream_ended', { ...named, sqlstate, message }, thrown);
        throw fail('copy_failed', { ...named, sqlstate, message, constraint, column }, thrown);
      }
    }
  }

  async close(): Promise<void> {
    const sessions = this.#sessions;
    this.#sessions = null;
    await Promise.all([sessions?.source.end(), sessions?.target.end()]).catch(() => undefined);
  }

  async #open(): Promise<{ source: Session; target: Session }> {
    if (this.#sessions) return this.#sessions;
    const { spec, snapshot, worker } = this.#options;
    const source = await openSession({
      endpoint: spec.source,
      applicationName: linkSessionName(spec, `${worker.replace('/', '-')}-out`),
      // Without it a role under row security would copy a part of the rows and not say so.
      settings: { row_security: 'off', lock_timeout: '0' },
    });
    try {
      await source.query('begin isolation level repeatable read, read only');
      await importSnapshot(source, spec, snapshot);
      const target = await openSession({
        endpoint: spec.target,
        applicationName: linkSessionName(spec, `${worker.replace('/', '-')}-in`),
        settings: {
          ...REPLICA_ROLE,
          synchronous_commit: 'off',
          row_security: 'off',
        },
      });
      return (this.#sessions = { source, target });
    } catch (thrown) {
      await source.end().catch(() => undefined);
      throw thrown;
    }
  }

  async #copyOnce(chunk: Chunk): Promise<CopiedChunk> {
    const { spec, worker, epoch, signal } = this.#options;
    const { source, target } = await this.#open();
    const run = ({ text, values }: BuiltStatement): Promise<unknown> =>
      target.query(text, [...values]);
    const done = await this.#recorded(target, chunk);
    if (done) return done;
    await target.query('begin');
    await run(touchWorker(spec.link, worker, epoch));
    const copied = await pipeRows(source, target, chunk, signal);
    await run(recordChunk(spec.link, chunk.id, copied));
    const { command } = await target.query('commit');
    assert(command === 'COMMIT', 'a chunk that raised nothing commits');
    return copied;
  }

  /** A COMMIT whose answer was lost may have worked: the chunk's row says so. */
  async #recorded(target: Session, { id }: Chunk): Promise<CopiedChunk | null> {
    const { rows } = await target.query<Record<string, string>>(
      /* sql */ `select rows, bytes from turnout.copy_chunk where link = $1 and chunk = $2`,
      [this.#options.spec.link, id],
    );
    return rows[0] ? { rows: Number(rows[0].rows), bytes: Number(rows[0].bytes) } : null;
  }
}

/** Rows out and rows in are both counted by the servers and must agree. */
async function pipeRows(
  source: Session,
  target: Session,
  chunk: Chunk,
  signal: AbortSignal,
): Promise<CopiedChunk> {
  let bytes = 0;
  const meter = new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      done(null, piece);
    },
  });
  const out = copyOut(source, copyOutText(chunk));
  const into = copyIn(target, copyInText(chunk.table));
  await pipeline(out, meter, into, { signal });
  if (out.rowCount !== into.rowCount) {
    throw fail('copy_failed', {
      table: tableName(chunk.table),
      chunk: chunk.id,
      rows_read: out.rowCount,
      rows_written: into.rowCount,
    });
  }
  return { rows: into.rowCount, bytes };
}

/** A snapshot ends with the connection that exported it: the whole copy then begins anew by itself. */
async function importSnapshot(
  source: Session,
  { link }: LinkSpec,
  snapshot: string,
): Promise<void> {
  try {
    await source.query(`set transaction snapshot ${quoteLiteral(snapshot)}`);
  } catch (thrown) {
    const { sqlstate } = serverFacts(thrown);
    throw fail('stream_ended', { link, sqlstate, reason: 'the snapshot is gone' }, thrown);
  }
}
