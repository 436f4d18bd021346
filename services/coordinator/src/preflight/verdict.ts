import { errorNamed, fail } from '@turnout/contracts/errors';
import type { AppError } from '@turnout/core/app-error';
import type { Finding } from './finding.js';

/** Why a pair may not start: the one thing that is wrong, or all of them together; null if none. */
export function preflightError(findings: readonly Finding[]): AppError | null {
  const critical = findings.filter(({ severity }) => severity === 'critical');
  const [only] = critical;
  if (only === undefined) return null;
  const name = only.code === null ? null : errorNamed(only.code);
  if (critical.length === 1 && name !== null) return fail(name, { [only.id]: only.observed });
  return fail(
    'preflight_failed',
    Object.fromEntries(critical.map(({ id, code, observed }) => [id, `${code} ${observed}`])),
  );
}
