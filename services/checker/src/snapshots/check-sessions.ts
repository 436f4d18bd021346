import { randomUUID } from 'node:crypto';
import { parseLsn, type Lsn } from '@turnout/core/lsn';
import { directionFrom, type Side } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { quoteLiteral } from '@turnout/postgres/identifiers';
import { endSession, openSession, type Endpoint, type Session } from '@turnout/postgres/session';
import { parseSnapshot, type Snapshot } from './snapshot.js';

/**
 * Whatever changes how a value prints is fixed, and row security raises instead of hiding rows. A
 * marker only needs its local flush: waiting for a standby would stall verification with it.
 */
const SESSION_SETTINGS = {
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
  jit: 'off',
  row_security: 'off',
  synchronous_commit: 'local',
  idle_in_transaction_session_timeout: '600000',
} as const;

export interface SnapshotLimits {
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

export interface CheckSessionsOptions {
  readonly source: { readonly side: Side; readonly endpoint: Endpoint };
  readonly target: { readonly side: Side; readonly endpoint: Endpoint };
  readonly applicationName: string;
}

/** The target's snapshot with the position that its own progress row shows inside it. */
export interface TargetSnapshot {
  readonly snapshot: Snapshot;
  readonly appliedLsn: Lsn;
}

/** The three sessions of a pair's verification: a reader on each side and the marker's writer. */
export class CheckSessions {
  readonly source: Session;
  readonly target: Session;
  readonly #marker: Session;
  readonly #sourceSide: Side;
  #lost = false;

  constructor(sourceSide: Side, source: Session, target: Session, marker: Session) {
    this.#sourceSide = sourceSide;
    this.source = source;
    this.target = target;
    this.#marker = marker;
    for (const session of [source, target, marker]) session.on('end', () => (this.#lost = true));
  }

  /** True once one of them has ended, with its server for example. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Opens the source's snapshot; `rollback` ends it. */
  async beginSource(limits: SnapshotLimits): Promise<Snapshot> {
    const rows = await begin(
      this.source,
      limits,
      /* sql */ `select pg_current_snapshot()::text as snapshot`,
    );
    return parseSnapshot(rows[0]!['snapshot']!);
  }

  /**
   * Opens the target's snapshot; the first thing read in it is how far the link has applied.
   * @throws TRN4002 without a progress row, or when the link is closed in this snapshot
   */
  async beginTarget(limits: SnapshotLimits): Promise<TargetSnapshot> {
    const link = directionFrom(this.#sourceSide);
    const [row] = await begin(
      this.target,
      limits,
      /* sql */ `select source_lsn::text as source_lsn, open, pg_current_snapshot()::text as snapshot
                   from turnout.progress
                  where link = ${quoteLiteral(link)} and worker = 'apply'`,
    );
    if (!row?.['source_lsn']) throw fail('check_inconclusive', { reason: 'no_progress_row', link });
    // C2 closes the old link in the transaction that opens the target: a snapshot behind it shows a
    // side that takes writes of its own, and comparing it with what it followed would find them.
    if (row['open'] !== 't') throw fail('check_inconclusive', { reason: 'link_closed', link });
    return { snapshot: parseSnapshot(row['snapshot']!), appliedLsn: parseLsn(row['source_lsn']) };
  }

  async rollback(): Promise<void> {
    await Promise.all([this.source.query('rollback'), this.target.query('rollback')]);
  }

  /** Writes the check marker of the source; its commit is flushed when this resolves. */
  async writeMarker(token: string): Promise<void> {
    await this.#marker.query(
      /* sql */ `insert into turnout.marker (side, kind, token, written_at)
                values ($1, 'check', $2, clock_timestamp())
                on conflict (side, kind)
                do update set token = excluded.token, written_at = excluded.written_at`,
      [this.#sourceSide, token],
    );
  }

  async close(): Promise<void> {
    const sessions = [this.source, this.target, this.#marker];
    await Promise.all(sessions.map((session) => endSession(session)));
  }
}

export async function openCheckSessions(options: CheckSessionsOptions): Promise<CheckSessions> {
  const { source, target, applicationName } = options;
  const opened: Session[] = [];
  try {
    for (const endpoint of [source.endpoint, target.endpoint, source.endpoint]) {
      opened.push(await openSession({ endpoint, applicationName, settings: SESSION_SETTINGS }));
    }
  } catch (thrown) {
    await Promise.all(opened.map((session) => endSession(session)));
    throw thrown;
  }
  return new CheckSessions(source.side, opened[0]!, opened[1]!, opened[2]!);
}

export function newMarkerToken(): string {
  return randomUUID();
}

/** One round trip: transaction, its limits, and the statement that takes the snapshot. */
async function begin(
  session: Session,
  { lockTimeoutMs, statementTimeoutMs }: SnapshotLimits,
  first: string,
): Promise<Record<string, string | null>[]> {
  const answer = await session.query(/* sql */ `
    begin transaction isolation level repeatable read, read only;
    set local lock_timeout = ${Math.round(lockTimeoutMs)};
    set local statement_timeout = ${Math.round(statementTimeoutMs)};
    ${first}`);
  const results = answer as unknown as { rows: Record<string, string | null>[] }[];
  return results.at(-1)!.rows;
}
