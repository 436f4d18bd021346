import type { Side } from '@turnout/core/sides';
import { GUARD_BODIES } from '../generated/sql.js';
import { quoteLiteral } from '../identifiers.js';
import type { Session } from '../session.js';

export const GUARD_KINDS = ['pass', 'armed', 'closed', 'closed_until'] as const;
export type GuardKind = (typeof GUARD_KINDS)[number];

export interface GuardOptions {
  /** Named in the hint that a refused writer reads. */
  readonly otherSide?: Side | undefined;
  /** End of an announced window, ISO 8601; needed by `closed_until`. */
  readonly until?: string | undefined;
}

function hintOf(kind: GuardKind, { otherSide }: GuardOptions): string {
  if (kind === 'closed_until') return 'Reads go on; try again after the time named.';
  return otherSide ? `Writes go to ${otherSide}: connect again.` : 'Writes go to the other side.';
}

/**
 * SQL that makes the guard of a side behave as `kind`; several statements, no parameters. It takes
 * effect for others when the transaction it runs in commits.
 * @throws TypeError for `closed_until` without a valid time
 */
export function guardBody(kind: GuardKind, options: GuardOptions = {}): string {
  let body: string = GUARD_BODIES[kind];
  if (kind === 'closed_until') {
    const until = new Date(options.until ?? Number.NaN);
    if (Number.isNaN(until.getTime())) throw new TypeError('closed_until needs a time');
    const literal = quoteLiteral(until.toISOString());
    body = body.replaceAll(':until', () => literal);
  }
  const hint = quoteLiteral(hintOf(kind, options));
  return body.replaceAll(':hint', () => hint);
}

/** Replaces verdict and guard; idempotent. Runs in the caller's transaction if there is one. */
export async function swapGuard(
  session: Session,
  kind: GuardKind,
  options: GuardOptions = {},
): Promise<void> {
  await session.query(guardBody(kind, options));
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
