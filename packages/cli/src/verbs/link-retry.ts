import { fail } from '@turnout/contracts/errors';
import { DIRECTIONS } from '@turnout/core/sides';
import { drawOperation } from '../output/lists.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { pairName, textOption } from './operand.js';

const WHICH = DIRECTIONS.join(' or ');

export const linkRetry: Verb = {
  name: 'link retry',
  operands: '<pair>',
  summary: 'let a stopped link try again, after its cause was mended',
  options: [['--direction <name>', `${WHICH}; the one that carries changes unless given`]],
  async run({ terminal, global, client }, operands, options) {
    const pair = pairName(operands);
    const direction = textOption(options, 'direction');
    if (direction !== undefined && !(DIRECTIONS as readonly string[]).includes(direction)) {
      throw fail('usage_invalid', { option: '--direction', value: direction, expected: WHICH });
    }
    const answer = await client().retryLink(pair, direction, { signal: terminal.signal });
    print(terminal, global.output, answer, drawOperation);
    return 0;
  },
};
