import { drawFindings } from '../output/lists.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { pairName } from './operand.js';

export const preflight: Verb = {
  name: 'preflight',
  operands: '<pair>',
  summary: 'look at both sides and list what would stand in the way',
  async run({ terminal, global, client }, operands) {
    const answer = await (
      await client()
    ).preflight(pairName(operands), { signal: terminal.signal });
    print(terminal, global.output, answer, drawFindings);
    return answer.findings.some(({ severity }) => severity === 'critical') ? 3 : 0;
  },
};
