import { editorSchema } from '@turnout/contracts/config/editor-schema';
import { loadConfiguration } from '../configuration.js';
import { drawGrid } from '../output/grid.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';

export const configExplain: Verb = {
  name: 'config explain',
  summary: 'every value with the place it comes from; secrets stay hidden',
  async run({ terminal, global }) {
    const { values } = await loadConfiguration(global, terminal.env);
    print(terminal, global.output, { schema: 'turnout.config/v1', values, next_steps: [] }, () =>
      drawGrid(
        [
          { title: 'key', cell: ({ key }) => key },
          { title: 'value', cell: ({ value }) => String(value) },
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
    terminal.out(JSON.stringify(editorSchema(), null, 2));
    return Promise.resolve(0);
  },
};
