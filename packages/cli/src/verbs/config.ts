import { configFileSchema } from '@turnout/service-kit/config/config-schema';
import { explainConfig } from '@turnout/service-kit/config/explain-config';
import { loadConfiguration } from '../configuration.js';
import { drawGrid } from '../output/grid.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';

export const configExplain: Verb = {
  name: 'config explain',
  summary: 'every value with the place it comes from; secrets stay hidden',
  async run({ terminal, global }) {
    const values = explainConfig(loadConfiguration(global, terminal.env));
    print(terminal, global.output, { schema: 'turnout.config/v1', values, next_steps: [] }, () =>
      drawGrid(
        [
          { title: 'key', cell: ({ key }) => key },
          { title: 'value', cell: ({ value }) => textOf(value) },
          { title: 'from', cell: ({ origin }) => origin },
        ],
        values,
      ),
    );
    return 0;
  },
};

export const configSchema: Verb = {
  name: 'config schema',
  summary: 'the JSON schema of the configuration',
  run({ terminal }) {
    terminal.out(JSON.stringify(configFileSchema(), null, 2));
    return Promise.resolve(0);
  },
};

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
