import { AppError, isAppError, type ErrorEntry, type Facts } from '@turnout/core/app-error';
import { API_ERRORS } from './errors/api-errors.js';
import { CONFIG_ERRORS } from './errors/config-errors.js';
import { CONNECTION_ERRORS } from './errors/connection-errors.js';
import { CONSISTENCY_ERRORS } from './errors/consistency-errors.js';
import { REPLICATION_ERRORS } from './errors/replication-errors.js';
import { STORE_ERRORS } from './errors/store-errors.js';
import { SWITCHOVER_ERRORS } from './errors/switchover-errors.js';

/**
 * Every operating error of Turnout, by name. Codes are grouped by the thousand: 1 configuration and
 * usage, 2 connections, privileges and preflight, 3 replication, 4 consistency, 5 machine and
 * switchover, 6 bus, store and leases, 7 API, 9 assertions. Problem documents, exit codes, `turnout
 * explain` and the generated page derive from this table.
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

/** What the code base calls an error; users see its code. */
export type ErrorName = keyof typeof ERRORS;
export type ErrorCode = (typeof ERRORS)[ErrorName]['code'];

const NAMES = new Map<string, ErrorName>(
  (Object.keys(ERRORS) as ErrorName[]).map((name) => [ERRORS[name].code, name]),
);

/** Makes (does not throw) the error of that name with the facts that were found. */
export function fail(name: ErrorName, facts: Facts = {}, cause?: unknown): AppError {
  return new AppError(ERRORS[name], facts, cause);
}

/** Whether `thrown` is one of the errors named. */
export function isError(thrown: unknown, ...names: readonly ErrorName[]): thrown is AppError {
  return isAppError(thrown) && names.some((name) => ERRORS[name].code === thrown.code);
}

/** The name behind a code that came as text; null for a code of another version. */
export function errorNamed(code: string): ErrorName | null {
  return NAMES.get(code) ?? null;
}
