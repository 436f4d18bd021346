import { formatLsn } from '@turnout/core/lsn';
import type { AppError } from '@turnout/core/app-error';
import { fail } from '@turnout/contracts/errors';
import { databaseErrorNames, isConnectionLost, sqlState } from '@turnout/postgres/database-error';
import type { TransactionHead } from '../stream/source-transaction.js';

/** What a refused target transaction asks for. */
export const FAILURE_KINDS = ['progress', 'transient', 'connection', 'content'] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** Serialisation, deadlock, lock timeout and a cancelled statement pass by themselves. */
const TRANSIENT = new Set(['40001', '40P01', '55P03', '57014']);

/** Null when the error is not the server's: a programmer's error or one of our own. */
export function failureKind(thrown: unknown): FailureKind | null {
  const state = sqlState(thrown);
  if (state === 'TRN01') return 'progress';
  if (state !== null && TRANSIENT.has(state)) return 'transient';
  if (isConnectionLost(thrown)) return 'connection';
  return state === null ? null : 'content';
}

/** Names what did not fit: table, transaction, SQLSTATE and constraint, never a value. */
export function contentError(
  thrown: unknown,
  { finalLsn, xid }: TransactionHead,
  table: string | null,
): AppError {
  const names = databaseErrorNames(thrown);
  const name = names.sqlstate === 'TRN02' ? 'change_mismatch' : 'change_refused';
  const named = names.schema && names.table ? `${names.schema}.${names.table}` : names.table;
  return fail(
    name,
    {
      table: table ?? named,
      xid,
      final_lsn: formatLsn(finalLsn),
      sqlstate: names.sqlstate,
      constraint: names.constraint,
    },
    thrown,
  );
}
