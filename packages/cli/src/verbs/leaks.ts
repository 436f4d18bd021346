import { fail } from '@turnout/contracts/errors';
import { drawLeak, drawLeaks } from '../output/leak-report.js';
import { drawOperation } from '../output/lists.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { pairName, textOption } from './operand.js';

const LEAK_ID = /^(forward|reverse)-[0-9a-f]{1,8}-[0-9a-f]{1,8}$/i;

/** @throws TRN1008 */
function leakId([, id = '']: readonly string[]): string {
  if (LEAK_ID.test(id)) return id;
  throw fail('usage_invalid', {
    operand: 'id',
    value: id,
    expected: 'an id as `turnout leaks list` prints it, such as forward-0-16B3740',
  });
}

export const leaksList: Verb = {
  name: 'leaks list',
  operands: '<pair>',
  summary: 'writes found on a closed side, which the other side does not have',
  options: [['--all', 'also those that were resolved']],
  async run({ terminal, global, client }, operands, options) {
    const pair = pairName(operands);
    const all = options['all'] === true;
    const answer = await client().leaks(pair, all, { signal: terminal.signal });
    print(terminal, global.output, answer, drawLeaks);
    return 0;
  },
};

export const leaksShow: Verb = {
  name: 'leaks show',
  operands: '<pair> <id>',
  summary: 'one of them: where, when, which tables',
  async run({ terminal, global, client }, operands) {
    const pair = pairName(operands);
    const answer = await client().leak(pair, leakId(operands), { signal: terminal.signal });
    print(terminal, global.output, answer, drawLeak);
    return 0;
  },
};

export const leaksResolve: Verb = {
  name: 'leaks resolve',
  operands: '<pair> <id>',
  summary: 'record what was done about it; the gate opens when none is left',
  options: [['--reason <text>', 'what was done with these rows; goes into the journal']],
  examples: ['turnout leaks resolve shop forward-0-16B3740 --reason "order 17 entered on green"'],
  async run({ terminal, global, client }, operands, options) {
    const pair = pairName(operands);
    const id = leakId(operands);
    const reason = textOption(options, 'reason')?.trim();
    if (!reason) {
      const expected = 'what was done with these rows, for whoever reads the journal';
      throw fail('usage_invalid', { option: '--reason', value: null, expected });
    }
    const answer = await client().resolveLeak(pair, id, reason, { signal: terminal.signal });
    print(terminal, global.output, answer, drawOperation);
    return 0;
  },
};
