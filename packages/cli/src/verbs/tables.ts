import { drawTables } from '../output/lists.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { pairName } from './operand.js';

export const tables: Verb = {
  name: 'tables',
  operands: '<pair>',
  summary: 'copy and apply, table by table',
  async run({ terminal, global, client }, operands) {
    const answer = await client().tables(pairName(operands), { signal: terminal.signal });
    print(terminal, global.output, answer, drawTables);
    return 0;
  },
};
