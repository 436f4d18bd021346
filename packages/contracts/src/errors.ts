import { AppError, type ErrorEntry, type Observed } from '@turnout/core/app-error';
import { API_ERRORS } from './errors/api-errors.js';
import { CONFIG_ERRORS } from './errors/config-errors.js';
import { CONNECTION_ERRORS } from './errors/connection-errors.js';
import { CONSISTENCY_ERRORS } from './errors/consistency-errors.js';
import { REPLICATION_ERRORS } from './errors/replication-errors.js';
import { STORE_ERRORS } from './errors/store-errors.js';
import { SWITCHOVER_ERRORS } from './errors/switchover-errors.js';

/**
 * Every operating error of Turnout. Codes are grouped by the thousand: 1 configuration and usage,
 * 2 connections, privileges and preflight, 3 replication, 4 consistency, 5 machine and switchover,
 * 6 bus, store and leases, 7 API, 9 assertions. Problem documents, exit codes, `turnout explain` and
 * the generated page derive from this table.
 */
export const ERRORS = {
  ...CONFIG_ERRORS,
  ...CONNECTION_ERRORS,
  ...REPLICATION_ERRORS,
  ...CONSISTENCY_ERRORS,
  ...SWITCHOVER_ERRORS,
  ...STORE_ERRORS,
  ...API_ERRORS,
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** Makes (does not throw) the error of `code` with the facts that were observed. */
export function fail(code: ErrorCode, observed: Observed = {}, cause?: unknown): AppError {
  return new AppError(code, ERRORS[code], observed, cause);
}

export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERRORS, value);
}
