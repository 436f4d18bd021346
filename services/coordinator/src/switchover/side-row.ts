import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import type { Session } from '@turnout/postgres/session';
import { readSide, type Statement } from './sql/side-sql.js';

export interface SideRow {
  readonly pair: string;
  readonly side: Side;
  readonly state: 'open' | 'closed';
  readonly fenceEpoch: bigint;
  readonly claimEpoch: bigint;
  readonly holder: string | null;
  readonly switchoverId: string | null;
}

type Cells = Record<string, string | null>;

/** Runs one statement; all cells arrive as text. */
export async function ask(session: Session, statement: Statement): Promise<Cells[]> {
  const { rows } = await session.query<Cells>({
    text: statement.text,
    values: [...statement.values],
  });
  return rows;
}

/** The truth about one side. @throws TRN5001 when Turnout is not installed there */
export async function readSideRow(session: Session): Promise<SideRow> {
  const [row] = await ask(session, readSide);
  if (!row) throw fail('pair_unknown', { reason: 'side row is missing' });
  return {
    pair: row['pair'] ?? '',
    side: row['side'] as Side,
    state: row['state'] as 'open' | 'closed',
    fenceEpoch: BigInt(row['fence_epoch'] ?? '0'),
    claimEpoch: BigInt(row['claim_epoch'] ?? '0'),
    holder: row['holder'] ?? null,
    switchoverId: row['switchover_id'] ?? null,
  };
}
