import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { sharedMonotonicMs } from './monotonic.js';

/** Sequence numbers made durable at a time: one fsync for this many transactions. */
const BLOCK = 200;

/**
 * What one writer attempted and what was acknowledged to it. A sequence number is on disk before
 * its transaction is sent: whatever appears in the database can be traced to this file, also when
 * the writer was killed.
 */
export class LedgerFile {
  readonly #fd: number;
  #announced = 0;

  constructor(path: string, writer: number) {
    this.#fd = openSync(path, 'wx');
    this.#write(`writer ${writer}`);
  }

  attempt(seq: number): void {
    if (seq > this.#announced) {
      this.#announced = seq + BLOCK - 1;
      this.#write(`announce ${this.#announced}`);
      fsyncSync(this.#fd);
    }
    this.#write(`attempt ${seq}`);
  }

  acknowledge(seq: number): void {
    this.#write(`acknowledge ${seq} ${sharedMonotonicMs()}`);
  }

  /** `unknown` when the COMMIT may have taken effect although nobody said so. */
  error(seq: number, outcome: 'failed' | 'unknown', code: string): void {
    this.#write(`${outcome} ${seq} ${code.replaceAll(/\s/g, '_')}`);
  }

  close(): void {
    fsyncSync(this.#fd);
    closeSync(this.#fd);
  }

  #write(line: string): void {
    writeSync(this.#fd, `${line}\n`);
  }
}

/** A ledger file as read back. */
export interface WriterLedger {
  readonly writer: number;
  /** No transaction above this number was sent. */
  readonly announced: number;
  readonly attempted: ReadonlySet<number>;
  /** Sequence number to the moment of its acknowledgement, in shared monotonic milliseconds. */
  readonly acknowledged: ReadonlyMap<number, number>;
  readonly errors: readonly { seq: number; outcome: 'failed' | 'unknown'; code: string }[];
}

export async function readLedger(path: string): Promise<WriterLedger> {
  let writer = 0;
  let announced = 0;
  const attempted = new Set<number>();
  const acknowledged = new Map<number, number>();
  const errors: { seq: number; outcome: 'failed' | 'unknown'; code: string }[] = [];
  const text = await readFile(path, 'utf8');
  // The last line of a writer that was killed may be cut; one without its end says nothing.
  for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n')) {
    const [word, number, rest] = line.split(' ');
    const value = Number(number);
    if (word === 'writer') writer = value;
    if (word === 'announce') announced = value;
    if (word === 'attempt') attempted.add(value);
    if (word === 'acknowledge') acknowledged.set(value, Number(rest));
    if (word === 'failed' || word === 'unknown') {
      errors.push({ seq: value, outcome: word, code: rest ?? '' });
    }
  }
  return { writer, announced, attempted, acknowledged, errors };
}
