import type { Session } from '@turnout/postgres/session';
import { keyText } from '../units/relation-keys.js';
import type { BucketDigest, KeyedDigests } from './row-differences.js';
import type { Statement } from './sql/digests.js';

/** Last read of each session: several units are compared at once, a session takes one query. */
const lastReads = new WeakMap<Session, Promise<unknown>>();

async function readCells(session: Session, statement: Statement): Promise<(string | null)[][]> {
  const { text, values } = statement;
  const read = async (): Promise<(string | null)[][]> => {
    const query = { text, values: [...values], rowMode: 'array' as const };
    return (await session.query<(string | null)[]>(query)).rows;
  };
  const before = lastReads.get(session) ?? Promise.resolve();
  const turn = before.then(read, read);
  lastReads.set(session, turn);
  return turn;
}

/** Answer of `bucketDigests`. */
export async function readBuckets(
  session: Session,
  statement: Statement,
): Promise<Map<number, BucketDigest>> {
  const rows = await readCells(session, statement);
  return new Map(
    rows.map(([bucket, count, high, low]) => [
      Number(bucket),
      { rows: count ?? '', high: high ?? '', low: low ?? '' },
    ]),
  );
}

/** Answer of `bucketRows` and `keyDigests`: the last column is the digest, all others the key. */
export async function readKeyed(session: Session, statement: Statement): Promise<KeyedDigests> {
  const digests = new Map<string, string[]>();
  for (const row of await readCells(session, statement)) {
    const key = keyText(row.slice(0, -1).map((cell) => cell ?? ''));
    const known = digests.get(key);
    if (known) known.push(row.at(-1) ?? '');
    else digests.set(key, [row.at(-1) ?? '']);
  }
  return digests;
}

/** Answer of `bucketMultiset`. */
export async function readMultiset(
  session: Session,
  statement: Statement,
): Promise<Map<string, number>> {
  const rows = await readCells(session, statement);
  return new Map(rows.map(([digest, copies]) => [digest ?? '', Number(copies)]));
}

/** Answer of `columnDigests`: digest per column, by key. */
export async function readColumnDigests(
  session: Session,
  statement: Statement,
  keyLength: number,
): Promise<Map<string, string[]>> {
  const rows = await readCells(session, statement);
  return new Map(
    rows.map((row) => [
      keyText(row.slice(0, keyLength).map((cell) => cell ?? '')),
      row.slice(keyLength).map((cell) => cell ?? ''),
    ]),
  );
}
