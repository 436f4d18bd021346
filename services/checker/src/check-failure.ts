import { isAppError } from '@turnout/core/app-error';
import { isConnectionLost, serverFacts, sqlState, tableOf } from '@turnout/postgres/database-error';

const STATES: Readonly<Record<string, string>> = {
  '55P03': 'lock_timeout',
  '57014': 'statement_timeout',
  '42501': 'insufficient_privilege',
  '42P01': 'table_does_not_exist',
};

/** Why a check could not verify, as a word for reports. Never a message: it may hold values. */
export function reasonOf(thrown: unknown): string {
  if (isAppError(thrown)) {
    const { reason } = thrown.facts;
    return typeof reason === 'string' ? reason : thrown.code;
  }
  if (thrown instanceof Error && thrown.name === 'AbortError') return 'cancelled';
  const state = sqlState(thrown);
  if (state !== null) return STATES[state] ?? `sqlstate_${state}`;
  return isConnectionLost(thrown) ? 'connection_lost' : 'internal_error';
}

/** One sentence about why something failed: an error of ours says all, the server what names objects only. */
export function describeFailure(thrown: unknown): string {
  if (isAppError(thrown)) return thrown.message;
  const server = serverFacts(thrown);
  const parts = [reasonOf(thrown), server.message, tableOf(server), server.sqlstate];
  return parts.filter((part) => part !== null).join(', ');
}
