import type { OperationAnswer } from '@turnout/api-client/answers';
import { drawOperation } from '../output/lists.js';
import { drawStatus } from '../output/status-screen.js';
import { print } from '../terminal.js';
import type { Verb } from '../verb.js';
import { awaitStreaming } from '../waiting/await-start.js';
import { PhaseRows } from '../waiting/rail-rows.js';
import { waitAloud } from '../waiting/wait-aloud.js';
import { pairName } from './operand.js';

const WAIT_MS = 24 * 3_600_000;

export const start: Verb = {
  name: 'start',
  operands: '<pair>',
  summary: 'install, copy and stream; returns at once',
  options: [['--wait', 'return when the link streams and has caught up']],
  async run(session, operands, options) {
    const { terminal, global, client } = session;
    const pair = pairName(operands);
    const api = client();
    const { signal } = terminal;
    const begin = (): Promise<OperationAnswer> => api.act(pair, 'start', { signal });
    if (options['wait'] !== true) {
      print(terminal, global.output, await begin(), drawOperation);
      return 0;
    }
    const next = [
      `turnout status ${pair} --watch  — see how far it is`,
      `turnout abort ${pair}  — take it back`,
    ];
    const aloud = { pair, what: `the start of ${pair}`, next };
    const status = await waitAloud(session, aloud, begin, async (_operation, rail) => {
      const phases = new PhaseRows();
      const reached = await awaitStreaming(api, pair, {
        signal,
        timeoutMs: WAIT_MS,
        caughtUp: true,
        tell: (line) => rail.tell(line),
        onAnswer: (answer) => rail.rows(phases.next(answer)),
      });
      rail.rows(phases.reached());
      return reached;
    });
    print(terminal, global.output, status, drawStatus);
    return 0;
  },
};
