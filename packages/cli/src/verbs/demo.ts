import { fileURLToPath } from 'node:url';
import type { DemoOptions } from '@turnout/demo/options';
import { fail } from '@turnout/contracts/errors';
import { drawReport } from '../output/demo-report.js';
import { drawPlan } from '../output/plan-report.js';
import type { Verb } from '../verb.js';
import { textOption } from './operand.js';

/** The demo serves its pair with this program. */
const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

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
    const json = options['json'] === true || global.output !== 'table';
    const schema = parseSchema(textOption(options, 'schema') ?? 'auto');
    const { runDemo } = await loadDemo();
    const report = await runDemo(
      { full: options['full'] === true, keep: options['keep'] === true, schema },
      {
        program: PROGRAM,
        drawPlan,
        signal: terminal.signal,
        live: terminal.isTTY && !json,
        say: json ? terminal.say : terminal.out,
        onReport: (each) => terminal.out(json ? JSON.stringify(each) : `\n${drawReport(each)}`),
      },
    );
    return report.ok ? 0 : 1;
  },
};

/** The demo brings servers and a test kit; an installation for production leaves it out. */
function loadDemo(): Promise<typeof import('@turnout/demo/run-demo')> {
  return import('@turnout/demo/run-demo').catch((thrown: unknown) => {
    if ((thrown as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw thrown;
    throw fail('program_missing', { missing: 'package @turnout/demo is not installed' }, thrown);
  });
}

function parseSchema(text: string): DemoOptions['schema'] {
  if (text === 'auto' || text === 'pg_dump' || text === 'existing') return text;
  throw fail('usage_invalid', {
    option: '--schema',
    value: text,
    expected: 'auto, pg_dump or existing',
  });
}
