import { ERRORS, type ErrorCode } from '@turnout/contracts/errors';
import { isAppError } from '@turnout/core/app-error';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { withSideSessions } from '../pairs/side-sessions.js';
import type { Finding } from './finding.js';
import { REQUIREMENTS, type PreflightSubject, type Requirement } from './requirements.js';

async function judge(requirement: Requirement, subject: PreflightSubject): Promise<Finding> {
  const { id, code, severity, ok } = requirement;
  let observed: string | null;
  try {
    observed = await requirement.wrong(subject);
  } catch (thrown) {
    const state = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
    observed = `could not be determined (${state})`;
  }
  if (observed === null) return { id, severity: 'ok', code: null, observed: ok, remedy: null };
  return { id, severity, code, observed, remedy: ERRORS[code].remedy };
}

/** Every requirement with what was observed. A side that cannot be reached is a finding too. */
export async function preflight(pair: ResolvedPair): Promise<Finding[]> {
  try {
    return await withSideSessions(pair, async (sessions) => {
      const findings: Finding[] = [];
      for (const requirement of REQUIREMENTS) {
        findings.push(await judge(requirement, { pair, sessions }));
      }
      return findings;
    });
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    return [
      {
        id: 'connection',
        severity: 'critical',
        code: thrown.code as ErrorCode,
        observed: thrown.message,
        remedy: thrown.entry.remedy,
      },
    ];
  }
}
