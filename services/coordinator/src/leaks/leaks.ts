import { fail } from '@turnout/contracts/errors';
import { SIDES, sourceOf, targetOf, type Direction, type Side } from '@turnout/core/sides';
import type { PairContext } from '../context.js';
import { withSideSessions } from '../side/read-sessions.js';
import { ask, type Cells } from '../side/side-row.js';
import { listLeaks, readLeak, resolveLeak } from './sql/leak-sql.js';

/** A write found on a side that was closed. Names, counts and positions: no row of it is kept. */
export interface Leak {
  readonly id: string;
  /** Where somebody wrote. */
  readonly side: Side;
  readonly link: Direction;
  readonly final_lsn: string;
  readonly xid: string;
  readonly committed_at: string;
  readonly tables: readonly string[];
  readonly changes: number;
  readonly found_at: string;
  readonly resolved_at: string | null;
  readonly resolution: string | null;
}

const LIMIT = 500;

/** `forward-0-16B3740`: a path segment cannot hold the slash of a log position. */
function leakId(link: string, finalLsn: string): string {
  return `${link}-${finalLsn.replace('/', '-')}`;
}

/** @throws TRN5028 */
function parseId(id: string): { link: Direction; finalLsn: string } {
  const match = /^(forward|reverse)-([0-9A-F]{1,8})-([0-9A-F]{1,8})$/i.exec(id);
  if (!match) throw fail('leak_unknown', { id });
  return { link: match[1] as Direction, finalLsn: `${match[2]}/${match[3]}` };
}

const rfc3339 = (text: string | null | undefined): string | null =>
  text == null ? null : new Date(text).toISOString();

function leakOf(row: Cells): Leak {
  const link = row['link'] as Direction;
  return {
    id: leakId(link, row['final_lsn'] ?? ''),
    side: sourceOf(link),
    link,
    final_lsn: row['final_lsn'] ?? '',
    xid: row['xid'] ?? '',
    committed_at: rfc3339(row['committed_at']) ?? '',
    tables: JSON.parse(row['tables'] ?? '[]') as string[],
    changes: Number(row['changes']),
    found_at: rfc3339(row['found_at']) ?? '',
    resolved_at: rfc3339(row['resolved_at']),
    resolution: row['resolution'] ?? null,
  };
}

export function findLeaks({ pair }: PairContext, all: boolean): Promise<Leak[]> {
  return withSideSessions(pair, async (sessions) => {
    const found: Leak[] = [];
    for (const side of SIDES) {
      found.push(...(await ask(sessions[side], listLeaks(all, LIMIT))).map(leakOf));
    }
    return found.toSorted((a, b) => b.found_at.localeCompare(a.found_at));
  });
}

/** @throws TRN5028 */
export function findLeak({ pair }: PairContext, id: string): Promise<Leak> {
  const { link, finalLsn } = parseId(id);
  return withSideSessions(pair, async (sessions) => {
    const [row] = await ask(sessions[targetOf(link)], readLeak(link, finalLsn));
    if (!row) throw fail('leak_unknown', { id });
    return leakOf(row);
  });
}

/** A person's word that the leak is dealt with, for ever beside it and in the journal. @throws TRN5028 */
export async function resolve(
  { pair, store }: PairContext,
  id: string,
  { reason, actor }: { readonly reason: string; readonly actor: string },
): Promise<Leak> {
  const { link, finalLsn } = parseId(id);
  const leak = await withSideSessions(pair, async (sessions) => {
    const session = sessions[targetOf(link)];
    const [row] = await ask(session, resolveLeak(link, finalLsn, `${actor}: ${reason}`));
    if (!row) throw fail('leak_unknown', { id });
    return leakOf(row);
  });
  const data = { leak: id, side: leak.side, changes: leak.changes, reason };
  await store.journal.append(pair.name, { type: 'leak_resolved', data, actor, accepted: true });
  return leak;
}
