import type {
  EventAnswer,
  OperationAnswer,
  PairsAnswer,
  PreflightAnswer,
  TablesAnswer,
} from '@turnout/api-client/answers';
import { bytes, count, word, yesNo } from './figures.js';
import { drawGrid } from './grid.js';

export function drawPairs({ pairs }: PairsAnswer): string {
  return drawGrid(
    [
      { title: 'pair', cell: ({ pair }) => pair },
      { title: 'phase', cell: ({ phase }) => phase },
    ],
    pairs,
  );
}

const GLYPHS = { ok: '✓', warning: '!', critical: '✗' } as const;

export function drawFindings({ findings }: PreflightAnswer): string {
  return findings
    .map(({ id, severity, code, observed, remedy }) => {
      const name = code ? `${code} ${id}` : id;
      const line = `${GLYPHS[severity]} ${severity.padEnd(8)} ${name}: ${observed}`;
      return severity === 'ok' || !remedy ? line : `${line}\n             to do: ${remedy}`;
    })
    .join('\n');
}

export function drawOperation({ kind, pair, state, id }: OperationAnswer): string {
  const told = state === 'accepted' ? 'accepted, not finished yet' : state;
  return `${kind} of ${pair}: ${told}   (operation ${id})`;
}

export function drawTables({ copied }: TablesAnswer): string {
  if (copied === null) return 'Nothing was copied yet.';
  return drawGrid(
    [
      { title: 'table', cell: ({ table }) => table },
      { title: 'rows', align: 'right', cell: ({ rows }) => count(rows) },
      { title: 'size', align: 'right', cell: (row) => bytes(row.bytes) },
      { title: 'copied', cell: ({ done }) => yesNo(done) },
      { title: 'lane', cell: ({ lane }) => word(lane) },
    ],
    copied,
  );
}

export function eventLine({ revision, at, type, actor, accepted, data }: EventAnswer): string {
  const facts = data === null || data === undefined ? '' : ` ${JSON.stringify(data)}`;
  const verdict = accepted ? '' : ' (refused)';
  return `${String(revision).padStart(5)}  ${at}  ${type}${verdict}  by ${word(actor)}${facts}`;
}
