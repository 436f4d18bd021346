const SQLSTATE = /^[0-9A-Z]{5}$/;

function field(thrown: unknown, name: string): string | null {
  if (typeof thrown !== 'object' || thrown === null) return null;
  const value = (thrown as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The SQLSTATE of an error of the server; null for anything else, codes of the system included. */
export function sqlState(thrown: unknown): string | null {
  const code = field(thrown, 'code');
  return code !== null && SQLSTATE.test(code) && field(thrown, 'severity') !== null ? code : null;
}

/** Names in an error of the server. Never `detail`, `where` or the message: they hold cell values. */
export interface DatabaseErrorNames {
  readonly sqlstate: string | null;
  readonly schema: string | null;
  readonly table: string | null;
  readonly column: string | null;
  readonly constraint: string | null;
}

export function databaseErrorNames(thrown: unknown): DatabaseErrorNames {
  return {
    sqlstate: sqlState(thrown),
    schema: field(thrown, 'schema'),
    table: field(thrown, 'table'),
    column: field(thrown, 'column'),
    constraint: field(thrown, 'constraint'),
  };
}

/** True for the refusal of a guard of ours; a bare 25006 has other causes. */
export function isClosedByGuard(thrown: unknown): boolean {
  return sqlState(thrown) === '25006' && field(thrown, 'schema') === 'turnout';
}

const SOCKET_CODES = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH']);

/**
 * True when the session itself is gone or going (`57P` is the server stopping it), so that the
 * outcome of what ran on it is not known.
 */
export function isConnectionLost(thrown: unknown): boolean {
  const state = sqlState(thrown);
  if (state !== null) return state.startsWith('08') || state.startsWith('57P');
  if (SOCKET_CODES.has(field(thrown, 'code') ?? '')) return true;
  return /^Connection terminated|not queryable$/.test(field(thrown, 'message') ?? '');
}
