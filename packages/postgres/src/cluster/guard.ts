import type { Side } from '@turnout/core/sides';
import type { Session } from '../session.js';

/** Bodies of `turnout.guard()`; `closed` is the only one of a closed side. */
export const GUARD_KINDS = ['pass', 'armed', 'closed', 'closed_until'] as const;
export type GuardKind = (typeof GUARD_KINDS)[number];

export interface GuardOptions {
  /** Named in the hint that a refused writer reads. */
  readonly otherSide?: Side | undefined;
  /** End of an announced window, ISO 8601; needed by `closed_until`. */
  readonly until?: string | undefined;
}

/** What a refused writer is told to do. */
export function guardHint(kind: GuardKind, otherSide: Side | undefined): string {
  if (kind === 'closed_until') return 'Reads go on; try again after the time named.';
  return otherSide ? `Writes go to ${otherSide}: connect again.` : 'Writes go to the other side.';
}

/**
 * Replaces verdict and guard, and nothing else: the row of the side stays. For a side that is being
 * installed; everybody else makes a transition, which changes both together.
 */
export async function swapGuard(
  session: Session,
  kind: GuardKind,
  { otherSide, until }: GuardOptions = {},
): Promise<void> {
  await session.query(/* sql */ `select turnout.swap_guard($1, $2, $3)`, [
    kind,
    guardHint(kind, otherSide),
    until ?? null,
  ]);
}

/** Which body is in force, read back from the server; null when nothing is installed. */
export async function readGuard(session: Session): Promise<GuardKind | null> {
  const { rows } = await session.query<{
    source: string;
  }>(/* sql */ `select p.prosrc as source from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname = 'turnout' and p.proname = 'guard' and p.pronargs = 0`);
  const source = rows[0]?.source;
  if (source === undefined) return null;
  const raises = source.includes('raise exception');
  if (source.includes('lock table')) return raises ? 'closed_until' : 'armed';
  return raises ? 'closed' : 'pass';
}
