import { randomUUID } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import { parseLsn } from '@turnout/core/lsn';
import type { Direction, Side } from '@turnout/core/sides';
import { waitUntil } from '@turnout/core/waiting';
import type { Session } from '@turnout/postgres/session';
import { ask } from './side-row.js';
import { readDrainProof } from './sql/drain-sql.js';
import { writeMarker } from './sql/side-sql.js';
import type { Statement } from '@turnout/postgres/sql/statement';

/** Decoded positions at which everything `from` ever committed for users is durable on `to`. */
export interface DrainProof {
  readonly token: string;
  readonly sourceLsn: string;
  readonly endLsn: string;
  readonly userLsn: string | null;
}

export interface DrainEnds {
  readonly from: Side;
  readonly link: Direction;
  readonly source: Session;
  readonly target: Session;
}

/** Interval of looking for the marker: it decides the window, so it is short, and it is bounded. */
const MARKER_POLL_MS = 1;

/** Reads the proof for `token` on `session`; undefined while the marker has not arrived. */
export async function readProof(
  session: Session,
  statement: Statement,
  token: string,
): Promise<DrainProof | undefined> {
  const [row] = await ask(session, statement);
  if (!row || row['token'] !== token || row['open'] !== 't') return undefined;
  const sourceLsn = row['source_lsn'];
  const endLsn = row['end_lsn'];
  if (sourceLsn == null || endLsn == null) return undefined;
  return { token, sourceLsn, endLsn, userLsn: row['user_lsn'] ?? null };
}

/**
 * Writes a marker on `from` and waits for it on `to`. The group that applied it committed durably,
 * and marker and progress are read in one snapshot.
 * @throws TRN5009 after `timeoutMs`
 */
export async function proveDrain(
  { from, link, source, target }: DrainEnds,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<DrainProof> {
  const token = randomUUID();
  await ask(source, writeMarker(from, 'drain', token));
  return waitUntil(() => readProof(target, readDrainProof(from, link), token), {
    timeoutMs,
    intervalMs: MARKER_POLL_MS,
    signal,
    onTimeout: () => fail('drain_timed_out', { link, timeout_ms: Math.round(timeoutMs) }),
  });
}

/**
 * Whether `later` still proves what `earlier` did: markers and heartbeats may have moved the link
 * on, a user's change may not.
 */
export function provesSame(earlier: DrainProof, later: DrainProof): boolean {
  return (
    later.token === earlier.token &&
    later.userLsn === earlier.userLsn &&
    parseLsn(later.sourceLsn) >= parseLsn(earlier.sourceLsn)
  );
}
