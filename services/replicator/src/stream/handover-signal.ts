import type { Direction } from '@turnout/core/sides';
import type { Change } from '@turnout/postgres/pgoutput/messages';

/**
 * Reads the hand-over signal from the first change of one of our transactions: the commit that
 * closes the opposite link in its own progress row. Answers the epoch of the switch, or null.
 * Whether the epoch is newer is decided against the row of the link that reads it.
 */
export function handoverEpoch(change: Change | undefined, opposite: Direction): bigint | null {
  if (change?.kind !== 'update') return null;
  const cell = (name: string): string | null => {
    const value = change.row[change.relation.columns.findIndex((column) => column.name === name)];
    return typeof value === 'string' ? value : null;
  };
  if (cell('link') !== opposite || cell('worker') !== 'apply' || cell('open') !== 'f') return null;
  const epoch = cell('switch_epoch');
  return epoch === null ? null : BigInt(epoch);
}
