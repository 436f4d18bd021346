import { sqlState } from './database-error.js';

/**
 * Classes whose messages name objects, rights and states only: 08 connection, 0A not supported, 23
 * constraint (its values are in the detail), 25, 28, 2B, 3D, 3F, 40, 42 (without the syntax errors,
 * which quote the text), 53–58 resources and system. What functions of users raise (P0), data
 * exceptions (22) and everything unknown may hold cell values.
 */
const WITHOUT_VALUES = /^(?:08|0A|23|25|28|2B|2F|34|3B|3D|3F|40|42(?!601)|53|54|55|57|58)/;
const LENGTH_MAX = 300;

/** The server's message where it cannot hold a cell value; null where it might, or is none. */
export function serverMessage(thrown: unknown): string | null {
  const state = sqlState(thrown);
  if (state === null || !WITHOUT_VALUES.test(state) || !(thrown instanceof Error)) return null;
  return thrown.message.slice(0, LENGTH_MAX);
}

/** What an error of ours says about one of the server. */
export function serverFacts(thrown: unknown): {
  readonly sqlstate: string | null;
  readonly message: string | null;
} {
  return { sqlstate: sqlState(thrown), message: serverMessage(thrown) };
}
