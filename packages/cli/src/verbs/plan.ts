import { drawPlan } from '../output/plan-report.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { pairName, sideOption } from './operand.js';

export const plan: Verb = {
  name: 'plan',
  operands: '<pair>',
  summary: 'the exact steps of a switch, without taking any',
  options: [['--to <side>', 'the side that would take the writes', 'green']],
  async run({ terminal, global, client }, operands, options) {
    const to = sideOption(options);
    const answer = await client().plan(pairName(operands), to, { signal: terminal.signal });
    print(terminal, global.output, answer, drawPlan);
    return 0;
  },
};
