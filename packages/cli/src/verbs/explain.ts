import { ERRORS, errorNamed, fail } from '@turnout/contracts/errors';
import { runbookPage } from '../runbook.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';

const RETRIES = {
  never: 'the same call will fail again',
  manual: 'try again once it is repaired',
  automatic: 'it is retried by itself',
} as const;

export const explain: Verb = {
  name: 'explain',
  operands: '<code>',
  summary: 'what an error code means and what to do',
  examples: ['turnout explain TRN5002'],
  run({ terminal, global }, [text = '']) {
    const code = text.toUpperCase();
    const name = errorNamed(code);
    if (name === null) throw fail('usage_invalid', { code: text, expected: 'TRN and four digits' });
    const { title, remedy, http, exit, retry } = ERRORS[name];
    const answer = {
      schema: 'turnout.explain/v1',
      code,
      title,
      remedy,
      http,
      exit,
      retry,
      runbook: runbookPage(code),
      next_steps: [],
    };
    print(terminal, global.output, answer, () =>
      [
        `${code}  ${title}`,
        `To do: ${remedy}`,
        `Exit code ${exit}, HTTP ${http}; ${RETRIES[retry]}.`,
        ...(answer.runbook === null ? [] : [`Runbook: ${answer.runbook}`]),
      ].join('\n'),
    );
    return Promise.resolve(0);
  },
};
