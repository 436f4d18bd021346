import { isAppError, messageOf } from '@turnout/core/app-error';

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

/** Names in an error of the server. */
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

/**
 * SQLSTATE classes whose primary message names objects, settings and limits, never what a row holds.
 * What is not here stays unsaid: 22 quotes the value that did not fit, P0 and classes of their own
 * carry whatever a user's function raises, XX may print anything.
 */
const CLASSES_WITHOUT_VALUES: Readonly<Record<string, string>> = {
  '08': 'connection: names hosts and protocol',
  '0A': 'feature: names what is not supported',
  '23': 'constraint: names constraint, table and column; the values are in the detail',
  '25': 'transaction state: names the command refused',
  '28': 'login: names the role',
  '3D': 'database: its name',
  '3F': 'schema: its name',
  '40': 'rollback: names nothing',
  '42': 'definition and privilege: names of objects and types',
  '53': 'resources: names the limit reached',
  '54': 'program limit: names the index or the size',
  '55': 'object state: names object and process',
  '57': 'intervention: names nothing',
  '58': 'system: path and error of the operating system',
};

/** A syntax error quotes the statement, and a statement may hold literals. */
const STATES_WITH_VALUES = new Set(['42601']);
const MESSAGE_LENGTH_MAX = 500;

/** What may be shown of an error of the server. */
export interface ServerFacts extends DatabaseErrorNames {
  /** The primary message; null where it may hold cell values. */
  readonly message: string | null;
}

/**
 * A function can raise any SQLSTATE with any text, so a message with a context passes only when that
 * begins with one of these: COPY and the output of a slot call no function that raises by itself.
 */
const CONTEXTS_WITHOUT_FUNCTION = ['COPY ', 'slot "'];

/**
 * Names of the error, and its primary message unless that may hold cell values. Detail, hint, context
 * and query never pass.
 */
export function serverFacts(thrown: unknown): ServerFacts {
  const names = databaseErrorNames(thrown);
  const context = field(thrown, 'where');
  const { sqlstate } = names;
  const safe =
    sqlstate !== null &&
    sqlstate.slice(0, 2) in CLASSES_WITHOUT_VALUES &&
    !STATES_WITH_VALUES.has(sqlstate) &&
    (context === null || CONTEXTS_WITHOUT_FUNCTION.some((start) => context.startsWith(start)));
  const message = safe ? field(thrown, 'message') : null;
  return { ...names, message: message?.slice(0, MESSAGE_LENGTH_MAX) ?? null };
}

/** The table an error of the server names, as `schema.table`. */
export function tableOf({ schema, table }: DatabaseErrorNames): string | null {
  return schema !== null && table !== null ? `${schema}.${table}` : table;
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

/** What went wrong, in words that are safe to store: an error of ours says them itself. */
export function reasonOf(thrown: unknown): string {
  if (isAppError(thrown)) return thrown.message;
  const { sqlstate, message } = serverFacts(thrown);
  if (sqlstate === null) return messageOf(thrown);
  return message === null ? `server error ${sqlstate}` : `server error ${sqlstate}: ${message}`;
}
