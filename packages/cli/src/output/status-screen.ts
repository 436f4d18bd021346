import type { GateAnswer, LinkAnswer, StatusAnswer } from '@turnout/api-client/answers';
import { SIDES } from '@turnout/core/sides';
import { bytes, count, ms, word } from './figures.js';
import { drawGrid, UNKNOWN } from './grid.js';

/** One screen: which side takes writes, whether a switch is safe, what stands in the way. */
export function drawStatus(status: StatusAnswer): string {
  const blocks = [
    headline(status),
    drawSides(status),
    drawLinks(status.links),
    drawGates(status.gates),
    drawEstimate(status),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function headline({ pair, phase, revision, conditions }: StatusAnswer): string {
  const flags = conditions.map(
    ({ condition, reason }) => `${condition}${reason ? ` (${reason})` : ''}`,
  );
  return [`${pair}`, `phase ${phase}`, `revision ${revision}`, ...flags].join('   ');
}

function drawSides({ sides }: StatusAnswer): string {
  return drawGrid(
    [
      { title: 'side', cell: (side) => side },
      { title: 'role', cell: (side) => word(sides[side]?.role) },
      { title: 'version', cell: (side) => word(sides[side]?.version) },
      {
        title: 'writes',
        cell: (side) => {
          const writable = sides[side]?.writable ?? null;
          return writable === null ? UNKNOWN : writable ? 'open' : 'closed';
        },
      },
      { title: 'lsn', cell: (side) => word(sides[side]?.lsn) },
    ],
    SIDES,
  );
}

function copied({ copy }: LinkAnswer): string {
  if (!copy) return UNKNOWN;
  const of = copy.rows_expected ? ` of ~${count(copy.rows_expected)}` : '';
  return `${count(copy.rows)}${of} rows`;
}

function drawLinks(links: readonly LinkAnswer[]): string {
  if (links.length === 0) return '';
  const grid = drawGrid(
    [
      { title: 'link', cell: (link) => link.direction },
      { title: 'desired', cell: (link) => word(link.desired) },
      { title: 'observed', cell: (link) => word(link.observed) },
      { title: 'copied', cell: copied },
      { title: 'lag', align: 'right', cell: (link) => ms(link.lag_ms) },
      { title: 'bytes', align: 'right', cell: (link) => bytes(link.lag_bytes) },
      { title: 'age', align: 'right', cell: (link) => ms(link.age_ms) },
      { title: 'slot', cell: (link) => word(link.slot) },
    ],
    links,
  );
  const failures = links
    .filter(({ code }) => code)
    .map(({ direction, code, message }) => `${direction}: ${code} ${message ?? ''}`.trimEnd());
  return [grid, ...failures].join('\n');
}

export function drawGates(gates: readonly GateAnswer[]): string {
  if (gates.length === 0) return '';
  const grid = drawGrid(
    [
      { title: 'gate', cell: (gate) => gate.id },
      { title: '', cell: (gate) => (gate.open ? '✓ open' : '✗ closed') },
      { title: 'observed', cell: (gate) => gate.observed ?? 'not known' },
      { title: 'limit', cell: (gate) => word(gate.limit) },
    ],
    gates,
  );
  const closed = gates.filter(({ open }) => !open).map(({ id, why }) => `${id}: ${why}`);
  return closed.length === 0
    ? grid
    : [grid, 'Why not now:', ...closed.map((why) => `  ${why}`)].join('\n');
}

export function drawEstimate({ estimate }: Pick<StatusAnswer, 'estimate'>): string {
  if (estimate === null || estimate.window_ms_p50 === null) return '';
  return `A switch would hold writes for ~${ms(estimate.window_ms_p50)} (p95 ~${ms(estimate.window_ms_p95)}), from what was measured before.`;
}

/** The line a terminal keeps refreshing: phase, lag, copy. */
export function statusLine({ phase, links, direction }: StatusAnswer): string {
  const link = links.find((each) => each.direction === direction);
  return `phase ${phase}   link ${word(link?.observed)}   lag ${ms(link?.lag_ms)}`;
}
