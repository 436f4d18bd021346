import type { PlanAnswer, PlanStepAnswer } from '@turnout/api-client/answers';
import { ms } from './figures.js';
import { drawGates } from './status-screen.js';

/** The exact steps in order, with what takes each back. Running walks the same table. */
export function drawPlan(plan: PlanAnswer): string {
  const steps = plan.steps.map((step, index) => drawStep(step, index + 1));
  const blocks = [
    `plan for ${plan.pair}: writes move to ${plan.to}   hash ${plan.hash}`,
    steps.join('\n'),
    drawGates(plan.gates),
    plan.estimate === null
      ? ''
      : `Writes would be held for ~${ms(plan.estimate.window_ms)}, from ${plan.estimate.basis}.`,
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function drawStep(
  { id, does, undo, sql, detail, decision, estimate_ms }: PlanStepAnswer,
  number: number,
): string {
  const lines = [`${String(number).padStart(2)}  ${id.padEnd(8)} ${does}`];
  if (estimate_ms !== null) lines[0] += `   ~${ms(estimate_ms)}`;
  const statements = typeof sql === 'string' ? [sql] : (sql ?? []);
  for (const each of [...(detail ?? []), ...statements]) lines.push(`             ${each}`);
  if (decision === true) lines.push('             point of no return');
  else if (undo !== null) lines.push(`             undo: ${undo}`);
  return lines.join('\n');
}
