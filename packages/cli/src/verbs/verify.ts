import type { CheckAnswer } from '@turnout/api-client/answers';
import { fail } from '@turnout/contracts/errors';
import { drawCheck } from '../output/check-report.js';
import { print } from '../terminal.js';
import type { Session, Verb } from '../verb.js';
import { awaitCheck, checkExit } from '../waiting/await-outcome.js';
import { checkRow } from '../waiting/rail-rows.js';
import { waitAloud } from '../waiting/wait-aloud.js';
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
  async run(session, operands, options) {
    const { terminal, global, client } = session;
    const pair = pairName(operands);
    const kind = textOption(options, 'kind') ?? 'full';
    if (!KINDS.includes(kind)) {
      throw fail('usage_invalid', { option: '--kind', value: kind, expected: KINDS.join(' or ') });
    }
    const begin = (): Promise<CheckAnswer> =>
      client().requestCheck(pair, kind, { signal: terminal.signal });
    const check = options['wait'] === true ? await seeThrough(session, pair, begin) : await begin();
    print(terminal, global.output, check, drawCheck);
    return checkExit(check);
  },
};

function seeThrough(
  session: Session,
  pair: string,
  begin: () => Promise<CheckAnswer>,
): Promise<CheckAnswer> {
  const next = [`turnout verify show ${pair}  — see how far it is, and its outcome`];
  const sinceMs = Date.now();
  return waitAloud(session, { pair, what: 'the check', next }, begin, (requested, rail) =>
    awaitCheck(session.client(), requested, session.terminal.signal, undefined, {
      tell: (line) => rail.tell(line),
      onAnswer: (check) => rail.rows([checkRow(check, sinceMs)]),
    }),
  );
}

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
