import type { StepAnswer, SwitchoverAnswer } from '@turnout/api-client/answers';
import { ms, word } from './figures.js';
import { drawGrid } from './grid.js';

const OUTCOMES = {
  running: 'is running',
  committed: 'is done',
  undone: 'was undone; writes go on where they were',
  needs_operator: 'NEEDS AN OPERATOR',
} as const satisfies Record<SwitchoverAnswer['outcome'], string>;

/** Outcome first, then each step with its time. */
export function drawSwitchover(switchover: SwitchoverAnswer, nowMs = Date.now()): string {
  const { id, pair, to, outcome, reason, window_ms, client_stall_ms, steps } = switchover;
  const lines = [`switchover ${id} of ${pair} to ${to} ${OUTCOMES[outcome]}`];
  if (reason) lines.push(`reason: ${reason}`);
  lines.push(`window ${ms(window_ms)}   longest stall seen by clients ${ms(client_stall_ms)}`);
  if (steps.length === 0) return lines.join('\n');
  const grid = drawGrid(
    [
      { title: 'step', cell: (step) => step.id },
      { title: 'outcome', cell: (step) => step.outcome },
      { title: 'took', align: 'right', cell: (step) => tookText(step, nowMs) },
      { title: 'detail', cell: (step) => detailText(step.detail) },
    ],
    steps,
  );
  return `${lines.join('\n')}\n\n${grid}`;
}

/** The step that runs shows how long it has been running. */
function tookText({ outcome, ms: took, started_at }: StepAnswer, nowMs: number): string {
  if (outcome !== 'running' || started_at === null) return ms(took);
  return `${ms(Math.max(0, nowMs - Date.parse(started_at)))} …`;
}

function detailText(detail: unknown): string {
  if (detail === null || detail === undefined) return '';
  if (typeof detail === 'string') return detail;
  if (typeof detail !== 'object') return String(detail);
  return Object.entries(detail)
    .map(
      ([name, value]) =>
        `${name} ${typeof value === 'object' ? JSON.stringify(value) : word(String(value))}`,
    )
    .join(', ');
}
