import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import type { GuardKind } from '@turnout/postgres/cluster/guard';
import type { Session } from '@turnout/postgres/session';
import { readSide } from './sql/side-sql.js';
import type { Statement } from '@turnout/postgres/sql/statement';

/** What a side says of itself. */
export interface SideRow {
  readonly pair: string;
  readonly side: Side;
  readonly state: 'open' | 'closed';
  readonly guard: GuardKind;
  readonly fenceEpoch: bigint;
  readonly claimEpoch: bigint;
  readonly holder: string | null;
  readonly switchoverId: string | null;
  /** Of the decision that closed it; null when no decision did. */
  readonly certificate: Readonly<Record<string, unknown>> | null;
  /** Clock of the side, milliseconds since the epoch. */
  readonly changedMs: number;
}

export type Cells = Record<string, string | null>;

/** Runs one statement; all cells arrive as text. */
export async function ask(session: Session, statement: Statement): Promise<Cells[]> {
  const { rows } = await session.query<Cells>(statement);
  return rows;
}

export function sideRow(row: Cells): SideRow {
  const certificate = row['certificate'];
  return {
    pair: row['pair'] ?? '',
    side: row['side'] as Side,
    state: row['state'] as SideRow['state'],
    guard: row['guard'] as GuardKind,
    fenceEpoch: BigInt(row['fence_epoch'] ?? '0'),
    claimEpoch: BigInt(row['claim_epoch'] ?? '0'),
    holder: row['holder'] ?? null,
    switchoverId: row['switchover_id'] ?? null,
    certificate: certificate == null ? null : (JSON.parse(certificate) as Record<string, unknown>),
    changedMs: Number(row['changed_ms']),
  };
}

/** The truth about one side. @throws TRN5001 when Turnout is not installed there */
export async function readSideRow(session: Session): Promise<SideRow> {
  const [row] = await ask(session, readSide);
  if (!row) throw fail('pair_unknown', { reason: 'side row is missing' });
  return sideRow(row);
}
