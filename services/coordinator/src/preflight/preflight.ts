import { ERRORS } from '@turnout/contracts/errors';
import { isAppError } from '@turnout/core/app-error';
import { sessionName } from '@turnout/core/object-names';
import { SIDES, type Side } from '@turnout/core/sides';
import { serverFacts } from '@turnout/postgres/database-error';
import { withSession } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import { withSideSessions } from '../side/read-sessions.js';
import type { Finding, Problem } from './finding.js';
import type { PreflightSubject, Requirement } from './requirement.js';
import { REQUIREMENTS } from './requirements.js';

/** SQLSTATE of a look that the role may not take. */
const DENIED = '42501';
/** So many objects are named in a sentence; `problems` holds all of them. */
const NAMED_MAX = 10;

interface Verdict {
  readonly finding: Finding;
  readonly denied: boolean;
}

/** First ones in a sentence, and how many more there are. */
function listed(parts: readonly string[]): string {
  const different = [...new Set(parts)];
  const more = different.length - NAMED_MAX;
  return [...different.slice(0, NAMED_MAX), ...(more > 0 ? [`${more} more`] : [])].join('; ');
}

function observedOf(problems: readonly Problem[]): string {
  return listed(
    problems.map(({ side, object, what }) =>
      [side === null ? null : `${side}:`, object, what].filter((part) => part !== null).join(' '),
    ),
  );
}

/** What to type on which side; the catalogue's words where a problem has none of its own. */
function remedyOf(problems: readonly Problem[], fallback: string): string {
  const own = problems.flatMap(({ side, remedy }) =>
    remedy === null ? [] : [side === null ? remedy : `on ${side}: ${remedy}`],
  );
  return own.length === 0 ? fallback : listed(own);
}

async function judge(requirement: Requirement, subject: PreflightSubject): Promise<Verdict> {
  const { id, error, severity, ok } = requirement;
  const { code, remedy } = ERRORS[error];
  try {
    const problems = await requirement.wrong(subject);
    const finding: Finding =
      problems.length === 0
        ? { id, severity: 'ok', code: null, observed: ok, remedy: null, problems }
        : {
            id,
            severity,
            code,
            observed: observedOf(problems),
            remedy: remedyOf(problems, remedy),
            problems,
          };
    return { finding, denied: false };
  } catch (thrown) {
    const { sqlstate, message } = serverFacts(thrown);
    const reason = [sqlstate ?? 'no answer', message].filter((part) => part !== null).join(' ');
    const observed = `could not be determined (${reason})`;
    return {
      finding: { id, severity, code, observed, remedy, problems: [] },
      denied: sqlstate === DENIED,
    };
  }
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
        problems: [{ side, object: place, what: 'gives no session', remedy: null }],
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
