import { fail } from '@turnout/contracts/errors';
import type { AppError } from '@turnout/core/app-error';
import type { Finding } from './finding.js';

/** Why a pair may not start: the one thing that is wrong, or all of them together; null if none. */
export function preflightError(findings: readonly Finding[]): AppError | null {
  const critical = findings.filter(({ severity }) => severity === 'critical');
  const [only] = critical;
  if (only === undefined) return null;
  if (critical.length === 1 && only.code !== null)
    return fail(only.code, { [only.id]: only.observed });
  return fail(
    'TRN2017',
    Object.fromEntries(critical.map(({ id, code, observed }) => [id, `${code} ${observed}`])),
  );
}
