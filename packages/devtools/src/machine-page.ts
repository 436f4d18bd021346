import { PAIR_MACHINE, type Edge } from '@turnout/machine/pair-machine';
import { GATES } from '@turnout/machine/gates';
import { SWITCHOVER_STEPS, type Step } from '@turnout/machine/switchover-steps';

function edges(): { from: string; event: string; edge: Edge }[] {
  return Object.entries(PAIR_MACHINE).flatMap(([from, cells]) =>
    Object.entries(cells as Record<string, Edge>).map(([event, edge]) => ({ from, event, edge })),
  );
}

/** The pair machine, the steps of a switch and the gates, from the tables that drive them. */
export function machinePage(): string {
  const steps: readonly Step[] = SWITCHOVER_STEPS;
  return [
    '# Phases, steps and gates',
    'Generated from `packages/machine` by `npm run gen`; edit there.',
    '## Phases of a pair',
    '```mermaid',
    'stateDiagram-v2',
    '  [*] --> draft',
    ...edges().map(({ from, event, edge }) => `  ${from} --> ${edge.to}: ${event}`),
    '```',
    '| phase | event | to | why |',
    '|---|---|---|---|',
    ...edges().map(({ from, event, edge }) => `| ${from} | ${event} | ${edge.to} | ${edge.why} |`),
    '',
    'Every other event is rejected with TRN5003 and recorded in the journal.',
    '## Steps of a switch',
    '| # | step | does | undo | writes held |',
    '|---|---|---|---|---|',
    ...steps.map(
      (step, i) =>
        `| ${i + 1} | ${step.id}${step.decision ? ' (point of no return)' : ''} | ${step.does} | ${step.undo ?? '–'} | ${step.inWindow ? 'yes' : 'no'} |`,
    ),
    '## Gates',
    '| gate | why |',
    '|---|---|',
    ...Object.entries(GATES).map(([id, { why }]) => `| ${id} | ${why} |`),
    '',
  ].join('\n');
}
