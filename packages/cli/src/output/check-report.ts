import type { CheckAnswer } from '@turnout/api-client/answers';
import { count, ms } from './figures.js';
import { drawGrid, UNKNOWN } from './grid.js';

/** What a check compared and found. "Could not verify" is never printed as a pass. */
export function drawCheck(check: CheckAnswer): string {
  const { id, pair, kind, outcome, reason, rows_compared, differences, seconds, tables } = check;
  const summary =
    `check ${id} of ${pair} (${kind}): ${outcome.replaceAll('_', ' ')}` +
    `${reason ? ` — ${reason}` : ''}\n` +
    `${count(rows_compared)} rows in ${tables.length} tables compared, ` +
    `${count(differences)} differences, ${seconds === null ? UNKNOWN : `${seconds.toFixed(1)} s`}`;
  if (tables.length === 0) return summary;
  const grid = drawGrid(
    [
      { title: 'table', cell: (row) => row.table },
      { title: 'rows', align: 'right', cell: (row) => count(row.rows_compared) },
      { title: 'differences', align: 'right', cell: (row) => count(row.differences) },
      { title: 'took', align: 'right', cell: (row) => ms(row.ms) },
    ],
    tables,
  );
  return `${summary}\n\n${grid}`;
}
