import { inReplicaRole } from '@turnout/postgres/replica-role';
import type { Session } from '@turnout/postgres/session';

export interface DumpEntry {
  /** `TABLE sales.orders`; null for the settings in front of the first. */
  readonly object: string | null;
  readonly text: string;
}

const HEADER = /^--\n-- Name: (.*); Type: (.*); Schema: (.*); Owner: .*\n--$/gm;

/** Objects in a dump's order, by the comment that pg_dump writes in front of each. */
export function dumpEntries(text: string): DumpEntry[] {
  const headers = [...text.matchAll(HEADER)];
  const starts = [0, ...headers.map(({ index }) => index)];
  return starts.map((start, place) => {
    const header = headers[place - 1];
    const [, name, type, schema] = header ?? [];
    const object = schema === '-' ? `${type} ${name}` : `${type} ${schema}.${name}`;
    return { object: header ? object : null, text: text.slice(start, starts[place + 1]) };
  });
}

/**
 * The object whose statements the server refuses: runs them once more, one after the other, up to
 * the one that fails, which rolls all of it back. Only looks for a name after a load has failed: a
 * body that looks like a header of pg_dump can mislead it and breaks nothing.
 */
export async function failingEntry(session: Session, text: string): Promise<string | null> {
  let object: string | null = null;
  try {
    await inReplicaRole(session, async () => {
      for (const entry of dumpEntries(text)) {
        ({ object } = entry);
        await session.query(entry.text);
      }
      object = null;
      throw new Error('nothing failed this time, and nothing may stay');
    });
  } catch {
    return object;
  }
  return null;
}
