import type { GateAnswer, LinkAnswer, StatusAnswer } from '@turnout/api-client/answers';
import { SIDES } from '@turnout/core/sides';
import { bytes, count, ms, word } from './figures.js';
import { drawGrid, UNKNOWN } from './grid.js';

/** One screen: which side takes writes, whether a switch is safe, what stands in the way. */
export function drawStatus(status: StatusAnswer, nowMs = Date.now()): string {
  const blocks = [
    headline(status, nowMs),
    drawWaiting(status, nowMs),
    drawMissing(status, nowMs),
    drawSides(status),
    drawLinks(status.links),
    drawRoutes(status),
    drawGates(status.gates),
    drawEstimate(status),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

/** How long ago, as text; empty when it is not known. */
function since(at: string | null, nowMs: number): string {
  return at === null ? '' : `since ${ms(Math.max(0, nowMs - Date.parse(at)))}`;
}

function headline(status: StatusAnswer, nowMs: number): string {
  const { pair, phase, revision, conditions } = status;
  const flags = conditions.map(
    ({ condition, reason }) => `${condition}${reason ? ` (${reason})` : ''}`,
  );
  const parts = [`${pair}`, `phase ${phase}`, `revision ${revision}`, leaderText(status, nowMs)];
  return [...parts, leaksText(status), ...flags].filter((part) => part !== '').join('   ');
}

function leaderText({ leader }: StatusAnswer, nowMs: number): string {
  if (leader === undefined) return '';
  if (leader === null) return 'NO COORDINATOR LEADS IT';
  return `led by ${leader.holder} ${since(leader.since, nowMs)}`.trimEnd();
}

/** None open is nothing to tell; a number that could not be had is. */
function leaksText({ leaks }: StatusAnswer): string {
  if (leaks === undefined || leaks === 0) return '';
  return leaks === null ? 'leaks not known' : `${leaks} leaks open`;
}

/** What is not going on by itself, or takes its time: what, since when, who holds it, what to do. */
function drawWaiting({ waiting }: StatusAnswer, nowMs: number): string {
  if (!waiting) return '';
  const { for: what, since: at, holder, remedy } = waiting;
  const facts = [
    `Waiting for ${what}`,
    since(at, nowMs),
    holder === null ? '' : `held by ${holder}`,
  ];
  const line = facts.filter((fact) => fact !== '').join(', ');
  return remedy === null ? line : `${line}\n  to do: ${remedy}`;
}

function drawMissing({ workers = [] }: StatusAnswer, nowMs: number): string {
  return workers
    .filter(({ holder }) => holder === null)
    .map(({ name, since: at, remedy }) => {
      const line = `No worker holds ${name} ${since(at, nowMs)}`.trimEnd();
      return remedy === null ? line : `${line}\n  to do: ${remedy}`;
    })
    .join('\n');
}

/** Routes matter to their own clients only; the ones that do not follow yet are marked. */
function drawRoutes({ routes }: StatusAnswer): string {
  if (!routes || routes.length === 0) return '';
  return drawGrid(
    [
      { title: 'route', cell: ({ route }) => route },
      { title: 'leads to', cell: (row) => row.routed_to },
      { title: '', cell: ({ ok }) => (ok ? '✓' : '✗ does not follow yet, tried again') },
    ],
    routes,
  );
}

function drawSides({ sides }: StatusAnswer): string {
  const grid = drawGrid(
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
      { title: 'seen', align: 'right', cell: (side) => ago(sides[side]?.age_ms) },
    ],
    SIDES,
  );
  const unknown = SIDES.flatMap((side) => {
    const why = sides[side]?.unknown;
    return why ? [`${side} is not known: ${why}`] : [];
  });
  return [grid, ...unknown].join('\n');
}

const ago = (age: number | null | undefined): string =>
  age === null || age === undefined ? UNKNOWN : `${ms(age)} ago`;

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
  const troubles = links.flatMap(({ direction, code, message, why }) => {
    const text = [code, message, why].filter((part) => part).join(' ');
    return text === '' ? [] : [`${direction}: ${text}`];
  });
  return [grid, ...troubles].join('\n');
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
  const closed = gates
    .filter(({ open }) => !open)
    .map(({ id, why }) => `${id}: ${why}`.replaceAll('\n', '\n    '));
  return closed.length === 0
    ? grid
    : [grid, 'Why not now:', ...closed.map((why) => `  ${why}`)].join('\n');
}

export function drawEstimate({ estimate }: Pick<StatusAnswer, 'estimate'>): string {
  if (estimate === null || estimate.window_ms_p50 === null) return '';
  return `A switch would hold writes for ~${ms(estimate.window_ms_p50)} (p95 ~${ms(estimate.window_ms_p95)}), from what was measured before.`;
}

/** The line a terminal keeps refreshing: phase, lag, and what is waited for. */
export function statusLine({ phase, links, direction, waiting }: StatusAnswer): string {
  const link = links.find((each) => each.direction === direction);
  const line = `phase ${phase}   link ${word(link?.observed)}   lag ${ms(link?.lag_ms)}`;
  return waiting ? `${line}   waiting for ${waiting.for}` : line;
}
