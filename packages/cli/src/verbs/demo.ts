import { fail } from '@turnout/contracts/errors';
import type { DemoOptions } from '../demo/demo-options.js';
import type { Verb } from '../verb.js';
import { textOption } from './operand.js';

export const demo: Verb = {
  name: 'demo',
  summary: 'the whole job on throw-away clusters, with writers going on',
  options: [
    ['--full', 'with Kafka, Redis and PgBouncer; half of the writers go through PgBouncer'],
    ['--json', 'one JSON object on stdout, everything else on stderr'],
    ['--keep', 'leave it all running and print how to go on'],
    ['--schema <how>', 'auto, pg_dump or existing', 'auto'],
  ],
  async run({ terminal, global }, _operands, options) {
    const { runDemo } = await import('../demo/run-demo.js');
    return runDemo(terminal, {
      full: options['full'] === true,
      json: options['json'] === true || global.output !== 'table',
      keep: options['keep'] === true,
      schema: parseSchema(textOption(options, 'schema') ?? 'auto'),
    });
  },
};

function parseSchema(text: string): DemoOptions['schema'] {
  if (text === 'auto' || text === 'pg_dump' || text === 'existing') return text;
  throw fail('usage_invalid', {
    option: '--schema',
    value: text,
    expected: 'auto, pg_dump or existing',
  });
}
