import { lsn, type Lsn } from '@turnout/core/lsn';

/** The message ended before its fields did, or a string had no terminator. */
export class TruncatedMessage extends Error {
  override readonly name = 'TruncatedMessage';
}

/**
 * Reads one message from front to back. The bytes belong to the socket's parser, which compacts its
 * buffer in place: nothing read here may keep a view of them, so texts become strings at once.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** True when every byte was read; anything left over means a format this version does not know. */
  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  #advance(length: number): number {
    const start = this.#at;
    const end = start + length;
    if (end > this.#bytes.length) throw new TruncatedMessage();
    this.#at = end;
    return start;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  /** OIDs and transaction ids are unsigned; the signed reading of one above 2^31 matches nothing. */
  uint32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8));
  }

  lsn(): Lsn {
    return lsn(this.#bytes.readBigUInt64BE(this.#advance(8)));
  }

  /** A string of `length` bytes. */
  text(length: number): string {
    const start = this.#advance(length);
    return this.#bytes.toString('utf8', start, this.#at);
  }

  /** A string up to its zero byte. */
  name(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new TruncatedMessage();
    const value = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return value;
  }
}
