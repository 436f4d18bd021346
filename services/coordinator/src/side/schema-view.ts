import { fail } from '@turnout/contracts/errors';
import { otherSide, type Side } from '@turnout/core/sides';
import {
  changedSince,
  readCatalogState,
  type CatalogState,
} from '@turnout/postgres/catalog/catalog-state';
import type { Session } from '@turnout/postgres/session';
import type { ResolvedPair } from '@turnout/service-kit/config/resolve-config';
import {
  compareSides,
  guardProblems,
  problemText,
  readSideSchema,
  type SideSchema,
} from './schema-freeze.js';

/** Both sides as the gates saw them; arm and fence compare with exactly this. */
export type SchemaSeen = Readonly<Record<Side, Pick<SideSchema, 'fingerprint' | 'state'>>>;

export interface SchemaView {
  readonly seen: SchemaSeen;
  /** What differs, as sentences; a table that is only unguarded is left out, arming guards it. */
  readonly differences: readonly string[];
}

const NAMED_MAX = 5;
const few = (names: readonly string[]): string =>
  names.slice(0, NAMED_MAX).join(', ') +
  (names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : '');

export async function readSchemaView(
  control: Readonly<Record<Side, Session>>,
  pair: ResolvedPair,
  from: Side,
): Promise<SchemaView> {
  const to = otherSide(from);
  const [source, target] = await Promise.all([
    readSideSchema(control[from], pair),
    readSideSchema(control[to], pair),
  ]);
  const problems = compareSides(source, target, { from, to });
  return {
    seen: from === 'blue' ? { blue: source, green: target } : { blue: target, green: source },
    differences: problems.filter(({ found }) => found !== 'unguarded').map(problemText),
  };
}

/** @throws TRN5024 naming what changed since the gates saw the side */
export async function requireUnchanged(
  session: Session,
  pair: ResolvedPair,
  seen: SchemaSeen,
  side: Side,
): Promise<CatalogState> {
  const now = await readCatalogState(session, pair.tables);
  const changed = changedSince(seen[side].state, now);
  if (changed.length > 0) throw fail('schema_changed', { side, changed: few(changed) });
  return now;
}

/**
 * The side is what the gates saw, and every table of it is guarded. One statement, so that it fits the
 * fence connection.
 * @throws TRN5024 naming what changed, TRN5033 naming a table whose guard is missing or off
 */
export async function requireSameSchema(
  session: Session,
  pair: ResolvedPair,
  seen: SchemaSeen,
  side: Side,
): Promise<void> {
  const now = await requireUnchanged(session, pair, seen, side);
  const problems = guardProblems(now, side);
  if (problems.length > 0) {
    throw fail('guard_missing', { side, found: few(problems.map(problemText)) });
  }
}
