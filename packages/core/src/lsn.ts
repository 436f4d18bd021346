declare const lsnBrand: unique symbol;

/**
 * A write-ahead log position as an unsigned 64-bit integer. Positions are compared as integers
 * only: their texts come in two paddings and order wrongly as strings.
 */
export type Lsn = bigint & { readonly [lsnBrand]: true };

export const LSN_ZERO = 0n as Lsn;

const LSN_TEXT = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/;

/** Reads PostgreSQL's `X/Y` form, padded or not. */
export function parseLsn(text: string): Lsn {
  const match = LSN_TEXT.exec(text);
  if (!match) throw new TypeError(`not a log position: ${JSON.stringify(text)}`);
  return ((BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)) as Lsn;
}

/** Writes the form the server prints: upper case, no padding. */
export function formatLsn(lsn: Lsn): string {
  const high = (lsn >> 32n).toString(16);
  const low = (lsn & 0xffff_ffffn).toString(16);
  return `${high}/${low}`.toUpperCase();
}

export function lsn(value: bigint): Lsn {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw new RangeError(`log position out of range: ${value}`);
  }
  return value as Lsn;
}

export function laterOf(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}

/** Bytes of log from `from` to `to`; never negative, for a reader may be ahead of a stale reading. */
export function bytesBetween(from: Lsn, to: Lsn): number {
  return to > from ? Number(to - from) : 0;
}
