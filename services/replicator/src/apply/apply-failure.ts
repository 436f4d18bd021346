import { formatLsn } from '@turnout/core/lsn';
import { isAppError, type AppError, type Facts } from '@turnout/core/app-error';
import { isCancelled } from '@turnout/core/waiting';
import type { Direction } from '@turnout/core/sides';
import { fail } from '@turnout/contracts/errors';
import { isConnectionLost, serverFacts, sqlState, tableOf } from '@turnout/postgres/database-error';
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

/** What `turnout.expect` raises; the text is ours and holds a table and two counts. */
const MISMATCH = /^turnout: (\d+) rows of .* changed, (\d+) expected$/;

function countsOf(thrown: unknown): Facts {
  const counts = thrown instanceof Error ? MISMATCH.exec(thrown.message) : null;
  return counts ? { rows_changed: Number(counts[1]), rows_expected: Number(counts[2]) } : {};
}

/** Names what did not fit: table, transaction, what the server said and the constraint, never a value. */
export function contentError(
  thrown: unknown,
  { finalLsn, xid }: TransactionHead,
  table: string | null,
): AppError {
  const server = serverFacts(thrown);
  const { sqlstate, message, column, constraint } = server;
  const head = { table: table ?? tableOf(server), xid, final_lsn: formatLsn(finalLsn) };
  if (sqlstate === 'TRN02')
    return fail('change_mismatch', { ...head, sqlstate, ...countsOf(thrown) }, thrown);
  return fail('change_refused', { ...head, sqlstate, message, column, constraint }, thrown);
}

/**
 * Makes an error of ours of what a server says where nothing else has named it: a lost session passes
 * by itself, anything else stops the link until what the message names is mended. Errors of ours,
 * cancellation and defects stay what they are.
 */
export function classified(thrown: unknown, link: Direction): unknown {
  const kind = isAppError(thrown) || isCancelled(thrown) ? null : failureKind(thrown);
  if (kind === null) return thrown;
  const server = serverFacts(thrown);
  const { sqlstate, message, column, constraint } = server;
  if (kind === 'connection' || kind === 'transient') {
    return fail('stream_ended', { link, sqlstate, message }, thrown);
  }
  const table = tableOf(server);
  return fail('link_failed', { link, table, sqlstate, message, column, constraint }, thrown);
}
