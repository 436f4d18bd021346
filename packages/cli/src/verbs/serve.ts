import { readConfig } from '../configuration.js';
import { parseServiceNames } from '../serve/service-names.js';
import type { Verb } from '../verb.js';
import { textOption } from './operand.js';

export const serve: Verb = {
  name: 'serve',
  summary: 'run the services: all of them, or those named',
  options: [['--services <names>', 'all, or names separated by commas', 'all']],
  examples: ['turnout --config turnout.yaml serve', 'turnout serve --services coordinator'],
  async run({ terminal, global }, _operands, options) {
    const services = parseServiceNames(textOption(options, 'services') ?? 'all');
    const config = readConfig(global, terminal.env);
    // The services and their libraries load only here; every other verb starts without them.
    const { startServe } = await import('../serve/start-serve.js');
    await startServe(config, { services, signal: terminal.signal });
    return 0;
  },
};
