import type { Difference } from '@turnout/store/differences';
import type { RowDifference } from '../comparison/row-differences.js';

/**
 * Differences as the store keeps them, one row each. Rows without a key are named by their digest,
 * and further rows of the same name by a number.
 */
export function recordedDifferences(differences: readonly RowDifference[]): Difference[] {
  const copies = new Map<string, number>();
  return differences.map(({ unit, key, kind, sourceDigest, targetDigest, columns }) => {
    const name = key ?? `row ${sourceDigest ?? targetDigest ?? ''}`;
    const copy = (copies.get(`${unit} ${name}`) ?? 0) + 1;
    copies.set(`${unit} ${name}`, copy);
    const unique = copy === 1 ? name : `${name} #${copy}`;
    return { table: unit, key: unique, kind, sourceDigest, targetDigest, columns };
  });
}
