import { HoldTimeoutError } from './errors.js';

interface ServerError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly schema?: string | undefined;
}

/** An ErrorResponse of the server, told by its fields: an application may load `pg` twice. */
export function isServerError(thrown: unknown): thrown is ServerError {
  return (
    thrown instanceof Error &&
    'severity' in thrown &&
    typeof thrown.severity === 'string' &&
    'code' in thrown &&
    typeof thrown.code === 'string'
  );
}

/** How far an application may wrap the server's error before it stops being recognised. */
const CAUSE_DEPTH_MAX = 5;

/**
 * The guard of a closed side refused the statement. 25006 alone does not say so: a standby and a
 * read-only transaction answer it too, and those do not end with a switch.
 */
export function isRefusal(thrown: unknown): boolean {
  let error: unknown = thrown;
  for (let depth = 0; depth < CAUSE_DEPTH_MAX && error instanceof Error; depth++) {
    if (error instanceof HoldTimeoutError) return false;
    if (isServerError(error)) return error.code === '25006' && error.schema === 'turnout';
    error = error.cause;
  }
  return false;
}

/** A 25006 that is not the guard's; it may still mean that what is known of the route is old. */
export function isReadOnlyError(thrown: unknown): boolean {
  return isServerError(thrown) && thrown.code === '25006';
}

/** Classes in which the server, or what stands between, may have committed before it answered. */
const INDEFINITE = /^(?:08|57P|58|XX|40003)/;

/** Whether an error in answer to COMMIT proves that nothing was committed. */
export function provesAbort(thrown: unknown): boolean {
  return isServerError(thrown) && !INDEFINITE.test(thrown.code);
}
