import { fail } from '@turnout/contracts/errors';
import { isAppError, messageOf, type AppError } from '@turnout/core/app-error';
import { isConnectionLost, serverFacts, tableOf } from './database-error.js';

/**
 * Whatever was thrown as an error of the catalogue. A refusal of a server names its object, SQLSTATE
 * and message; a session that is gone is a side that cannot be reached, which passes by itself.
 */
export function asAppError(
  thrown: unknown,
  facts: Readonly<Record<string, string | null>> = {},
): AppError {
  if (isAppError(thrown)) return thrown;
  const names = serverFacts(thrown);
  const { sqlstate, message, constraint } = names;
  if (isConnectionLost(thrown)) {
    const reason = message ?? (sqlstate === null ? messageOf(thrown) : null);
    return fail('postgres_unreachable', { ...facts, code: sqlstate, message: reason }, thrown);
  }
  if (sqlstate === null) return fail('unexpected', { ...facts, reason: messageOf(thrown) }, thrown);
  const object = constraint ?? tableOf(names);
  return fail('ddl_refused', { ...facts, object, sqlstate, message }, thrown);
}
