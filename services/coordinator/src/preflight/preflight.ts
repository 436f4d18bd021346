import { ERRORS } from '@turnout/contracts/errors';
import { isAppError } from '@turnout/core/app-error';
import { sessionName } from '@turnout/core/object-names';
import { SIDES, type Side } from '@turnout/core/sides';
import { withSession } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { withSideSessions } from '../side/read-sessions.js';
import type { Finding } from './finding.js';
import { REQUIREMENTS, type PreflightSubject, type Requirement } from './requirements.js';

/** SQLSTATE of a look that the role may not take. */
const DENIED = '42501';

interface Verdict {
  readonly finding: Finding;
  readonly denied: boolean;
}

async function judge(requirement: Requirement, subject: PreflightSubject): Promise<Verdict> {
  const { id, error, severity, ok } = requirement;
  let observed: string | null;
  let denied = false;
  try {
    observed = await requirement.wrong(subject);
  } catch (thrown) {
    const state = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown';
    denied = state === DENIED;
    observed = `could not be determined (${state})`;
  }
  const finding: Finding =
    observed === null
      ? { id, severity: 'ok', code: null, observed: ok, remedy: null }
      : { id, severity, code: ERRORS[error].code, observed, remedy: ERRORS[error].remedy };
  return { finding, denied };
}

/**
 * Every requirement in order. What only follows from another finding is left out: one database cannot
 * be compared with itself, and what a role may not look at says no more than that it lacks a right.
 */
async function judgeAll(subject: PreflightSubject): Promise<Finding[]> {
  const findings: Finding[] = [];
  const wrong = (id: string): boolean =>
    findings.some((each) => each.id === id && each.severity === 'critical');
  for (const requirement of REQUIREMENTS) {
    const { finding, denied } = await judge(requirement, subject);
    if (denied && wrong('privileges')) continue;
    findings.push(finding);
    if (wrong('distinct_sides')) break;
  }
  return findings;
}

/** What keeps a side from being asked anything, as a finding; none when it answers. */
async function connect(pair: ResolvedPair, side: Side): Promise<Finding[]> {
  const applicationName = sessionName(0n, 'look', pair.name);
  try {
    await withSession({ endpoint: pair[side], applicationName }, async () => undefined);
    return [];
  } catch (thrown) {
    if (!isAppError(thrown)) throw thrown;
    const { entry, facts } = thrown;
    const place = `${facts['host']}:${facts['port']}/${facts['database']}`;
    const observed = `no session with ${place} (${facts['code'] ?? 'no answer'})`;
    return [
      {
        id: `${side}_connection`,
        severity: 'critical',
        code: entry.code,
        observed,
        remedy: entry.remedy,
      },
    ];
  }
}

/** Every requirement with what was observed. A side that cannot be reached is a finding too. */
export async function preflight(pair: ResolvedPair): Promise<Finding[]> {
  const unreachable = (await Promise.all(SIDES.map((side) => connect(pair, side)))).flat();
  if (unreachable.length > 0) return unreachable;
  return withSideSessions(pair, (sessions) => judgeAll({ pair, sessions }));
}
