import type { Verb } from '../verb.js';

export const demo: Verb = {
  name: 'demo',
  summary: 'the whole job on throw-away clusters, with writers going on',
  options: [
    ['--full', 'with Kafka, Redis and PgBouncer; half of the writers go through PgBouncer'],
    ['--json', 'one JSON object on stdout, everything else on stderr'],
    ['--keep', 'leave it all running and print how to go on'],
  ],
  async run({ terminal, global }, _operands, options) {
    const { runDemo } = await import('../demo/run-demo.js');
    return runDemo(terminal, {
      full: options['full'] === true,
      json: options['json'] === true || global.output !== 'table',
      keep: options['keep'] === true,
    });
  },
};
