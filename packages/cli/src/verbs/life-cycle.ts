import type { PairAction } from '@turnout/api-client/turnout-client';
import { drawOperation } from '../output/lists.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { pairName, requireConfirmation } from './operand.js';

function actionVerb(action: PairAction, summary: string, needsConfirmation = false): Verb {
  return {
    name: action,
    operands: '<pair>',
    summary,
    options: [['--confirm <pair>', 'the name of the pair once more, against mistakes']],
    async run({ terminal, global, client }, operands, options) {
      const pair = pairName(operands);
      requireConfirmation(pair, options, needsConfirmation);
      const answer = await client().act(pair, action, { signal: terminal.signal });
      print(terminal, global.output, answer, drawOperation);
      return 0;
    },
  };
}

export const pausePair = actionVerb('pause', 'stop applying; the slot keeps what arrives');
export const resumePair = actionVerb('resume', 'go on after a pause');
export const abortPair = actionVerb('abort', 'give up and remove everything that was installed');
export const completePair = actionVerb(
  'complete',
  'end the migration: no way back afterwards; needs --confirm',
  true,
);
