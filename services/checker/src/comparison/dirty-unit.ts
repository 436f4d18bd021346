import type { CheckSessions } from '../snapshots/check-sessions.js';
import { keyCells } from '../units/relation-keys.js';
import { readKeyed } from './digest-reader.js';
import { compareKeyed, type RowDifference } from './row-differences.js';
import { keyDigests } from './sql/digests.js';
import type { ComparisonUnit } from '../units/units.js';
import { nameColumns } from './whole-unit.js';

/** Keys asked for with one statement. */
const KEYS_PER_FETCH = 5_000;

export interface KeyComparison {
  /** Keys found equal: same row, or no row, on both sides. */
  readonly equal: readonly string[];
  readonly differences: readonly RowDifference[];
}

/** Compares the rows of `keys`, none of which is in flight, inside the open snapshots. */
export async function compareKeys(
  unit: ComparisonUnit & { readonly key: readonly string[] },
  sessions: Pick<CheckSessions, 'source' | 'target'>,
  keys: readonly string[],
): Promise<KeyComparison> {
  const differences: RowDifference[] = [];
  for (let at = 0; at < keys.length; at += KEYS_PER_FETCH) {
    const cells = keys.slice(at, at + KEYS_PER_FETCH).map(keyCells);
    const [source, target] = await Promise.all([
      readKeyed(sessions.source, keyDigests(unit.source, unit.key, cells)),
      readKeyed(sessions.target, keyDigests(unit.target, unit.key, cells)),
    ]);
    differences.push(...compareKeyed(unit.name, source, target));
  }
  const unequal = new Set(differences.map(({ key }) => key));
  return {
    equal: keys.filter((key) => !unequal.has(key)),
    differences: await nameColumns(unit, sessions, differences),
  };
}
