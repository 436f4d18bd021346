import { drawOperation } from '../output/lists.js';
import { drawStatus, statusLine } from '../output/status-screen.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { awaitStreaming } from '../waiting/await-start.js';
import { pairName } from './operand.js';

const WAIT_MS = 24 * 3_600_000;

export const start: Verb = {
  name: 'start',
  operands: '<pair>',
  summary: 'install, copy and stream; returns at once',
  options: [['--wait', 'return when the link streams and has caught up']],
  async run({ terminal, global, client }, operands, options) {
    const pair = pairName(operands);
    const api = client();
    const operation = await api.act(pair, 'start', { signal: terminal.signal });
    if (options['wait'] !== true) {
      print(terminal, global.output, operation, drawOperation);
      return 0;
    }
    let before = '';
    const status = await awaitStreaming(api, pair, {
      signal: terminal.signal,
      timeoutMs: WAIT_MS,
      caughtUp: true,
      onAnswer: (answer) => {
        const line = statusLine(answer);
        if (line !== before) terminal.say(line);
        before = line;
      },
    });
    print(terminal, global.output, status, drawStatus);
    return 0;
  },
};
