import { drawOperation } from '../output/lists.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { pairName } from './operand.js';

export const linkRetry: Verb = {
  name: 'link retry',
  operands: '<pair>',
  summary: 'let a stopped link try again, after its cause was mended',
  async run({ terminal, global, client }, operands) {
    const answer = await (
      await client()
    ).retryLink(pairName(operands), { signal: terminal.signal });
    print(terminal, global.output, answer, drawOperation);
    return 0;
  },
};
