import { fail } from '@turnout/contracts/errors';
import { drawCheck } from '../output/check-report.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { awaitCheck, checkExit } from '../waiting/await-outcome.js';
import { pairName, textOption } from './operand.js';

const KINDS: readonly string[] = ['full', 'incremental'];

export const verify: Verb = {
  name: 'verify',
  operands: '<pair>',
  summary: 'compare both sides row by row under live writes',
  options: [
    ['--kind <kind>', 'full or incremental', 'full'],
    ['--wait', 'return when it ended; exit 7 if the sides differ'],
  ],
  async run({ terminal, global, client }, operands, options) {
    const pair = pairName(operands);
    const kind = textOption(options, 'kind') ?? 'full';
    if (!KINDS.includes(kind)) {
      throw fail('usage_invalid', { option: '--kind', value: kind, expected: KINDS.join(' or ') });
    }
    const api = client();
    const requested = await api.requestCheck(pair, kind, { signal: terminal.signal });
    const check =
      options['wait'] === true ? await awaitCheck(api, requested, terminal.signal) : requested;
    print(terminal, global.output, check, drawCheck);
    return checkExit(check);
  },
};

export const verifyShow: Verb = {
  name: 'verify show',
  operands: '<pair> [id]',
  summary: 'the last check, or the one named',
  async run({ terminal, global, client }, operands) {
    const id = operands[1] ?? 'last';
    const check = await client().check(pairName(operands), id, { signal: terminal.signal });
    print(terminal, global.output, check, drawCheck);
    return checkExit(check);
  },
};
