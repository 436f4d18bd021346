import { fail } from '@turnout/contracts/errors';
import { otherSide } from '@turnout/core/sides';
import { drawOperation } from '../output/lists.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { pairName, sideOption, textOption } from './operand.js';

const FLAG = '--i-have-isolated-the-other';

export const switchoverForceOpen: Verb = {
  name: 'switchover force-open',
  operands: '<pair>',
  summary: 'open a side while the other cannot be asked; see the runbook first',
  options: [
    ['--side <side>', 'the side that is to take the writes'],
    [FLAG, 'your word: the other side is powered off, or no client and no Turnout can reach it'],
    ['--reason <text>', 'goes into the journal'],
  ],
  examples: [
    `turnout switchover force-open shop --side green ${FLAG} --reason "blue lost its disk"`,
  ],
  async run({ terminal, global, client }, operands, options) {
    const pair = pairName(operands);
    const side = sideOption(options, 'side');
    if (options['iHaveIsolatedTheOther'] !== true) {
      const other = otherSide(side);
      throw fail('usage_invalid', {
        option: FLAG,
        missing: `nothing can be read back from ${other}; if it is alive and open, both sides take writes and one side's are lost`,
        first: `power ${other} off, or cut it off from every client and pooler, and make sure that it stays so`,
        afterwards: `turnout switchover force-open ${pair} --side ${side} ${FLAG}`,
      });
    }
    const request = {
      side,
      i_have_isolated_the_other: true as const,
      reason: textOption(options, 'reason'),
    };
    const answer = await client().forceOpen(pair, request, { signal: terminal.signal });
    print(terminal, global.output, answer, drawOperation);
    return 0;
  },
};
