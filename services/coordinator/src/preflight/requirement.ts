import type { ErrorName } from '@turnout/contracts/errors';
import { SIDES, type Side } from '@turnout/core/sides';
import type { Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import type { Problem } from './finding.js';

export interface PreflightSubject {
  readonly pair: ResolvedPair;
  readonly sessions: Readonly<Record<Side, Session>>;
}

/** One requirement of both sides together or of each: what is wrong, nothing when all is well. */
export interface Requirement {
  readonly id: string;
  readonly error: ErrorName;
  readonly severity: 'critical' | 'warning';
  /** What holds when nothing is wrong. */
  readonly ok: string;
  wrong(subject: PreflightSubject): Promise<readonly Problem[]>;
}

export type ProblemOfSide = Omit<Problem, 'side'>;

/** Asks one side after the other and says of each problem where it is. */
export async function eachSide(
  { sessions }: PreflightSubject,
  wrong: (session: Session, side: Side) => Promise<readonly ProblemOfSide[]>,
): Promise<Problem[]> {
  const found: Problem[] = [];
  for (const side of SIDES) {
    const problems = await wrong(sessions[side], side);
    found.push(...problems.map((problem) => ({ side, ...problem })));
  }
  return found;
}
