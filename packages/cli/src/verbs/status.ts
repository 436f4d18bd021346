import { drawPairs } from '../output/lists.js';
import { drawStatus } from '../output/status-screen.js';
import { print } from '../terminal.js';
import type { Session, Verb } from '../verb.js';
import { pairName } from './operand.js';
import { watchStatus } from './watch-status.js';

export const status: Verb = {
  name: 'status',
  operands: '[pair]',
  summary: 'one screen: sides, links, gates, and whether a switch is possible now',
  options: [['--watch', 'refresh until Ctrl-C; the server work is not touched by it']],
  examples: ['turnout status shop', 'turnout status shop --watch'],
  async run(session, operands, options) {
    if (operands.length === 0) return listPairs(session);
    const pair = pairName(operands);
    if (options['watch'] === true) return watchStatus(session, pair);
    const client = session.client();
    const { signal } = session.terminal;
    print(
      session.terminal,
      session.global.output,
      await client.status(pair, { signal }),
      drawStatus,
    );
    return 0;
  },
};

async function listPairs({ terminal, global, client }: Session): Promise<number> {
  const answer = await client().pairs({ signal: terminal.signal });
  print(terminal, global.output, answer, drawPairs);
  return 0;
}
