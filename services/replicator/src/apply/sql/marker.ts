import { UNCHANGED, type Change } from '@turnout/postgres/pgoutput/messages';
import { expecting, type BuiltStatement } from './statement.js';

const MARKER = expecting(
  /* sql */ `update turnout.marker set token = $1::text, written_at = $2::timestamptz where side = $3::text and kind = $4::text`,
  `'turnout.marker'`,
  '1',
);

/**
 * Carries a marker over. The rows of both sides are seeded on both, so a seed that arrives as an
 * INSERT is an update here; markers are never removed, so nothing else is.
 */
export function writeMarker(change: Change): BuiltStatement | null {
  if (change.kind !== 'insert' && change.kind !== 'update') return null;
  const { row, relation } = change;
  const cell = (name: string): string | null => {
    const value = row[relation.columns.findIndex((column) => column.name === name)];
    return value === UNCHANGED || value === undefined ? null : value;
  };
  return {
    text: MARKER,
    values: [cell('token'), cell('written_at'), cell('side'), cell('kind')],
  };
}

/** The marker a change carries, for what the link reports as seen. */
export function markerOf(
  change: Change,
): { side: string; kind: string; token: string | null; writtenAt: string | null } | null {
  const built = writeMarker(change);
  if (!built) return null;
  const [token = null, writtenAt = null, side, kind] = built.values;
  return { token, writtenAt, side: String(side), kind: String(kind) };
}
