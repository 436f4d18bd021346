import type { Side } from '@turnout/core/sides';
import { drawOperation } from '../output/lists.js';
import { drawSwitchover } from '../output/switchover-report.js';
import { print } from '../terminal.js';
import type { Session, Verb, VerbOptions } from '../verb.js';
import { awaitSwitchover, switchoverExit } from '../waiting/await-outcome.js';
import { pairName, requireConfirmation, sideOption, textOption } from './operand.js';

const OPTIONS = [
  ['--wait', 'return when it ended; exit 6 if it was undone, 9 if it needs an operator'],
  ['--confirm <pair>', 'the name of the pair once more, against mistakes'],
  ['--reason <text>', 'goes into the journal'],
  ['--plan-hash <hash>', 'refuse if the plan is not the one that was approved'],
] as const;

export const switchover: Verb = {
  name: 'switchover',
  operands: '<pair>',
  summary: 'move the writes to the other side',
  options: [['--to <side>', 'the side that is to take the writes'], ...OPTIONS],
  examples: ['turnout switchover shop --to green --wait'],
  run: (session, operands, options) =>
    move(session, pairName(operands), sideOption(options), options),
};

export const rollback: Verb = {
  name: 'rollback',
  operands: '<pair>',
  summary: 'move the writes back to blue; the same steps, nothing is copied again',
  options: OPTIONS,
  run: (session, operands, options) => move(session, pairName(operands), 'blue', options),
};

async function move(
  { terminal, global, client }: Session,
  pair: string,
  to: Side,
  options: VerbOptions,
): Promise<number> {
  requireConfirmation(pair, options, false);
  const api = client();
  const { signal } = terminal;
  const request = {
    to,
    reason: textOption(options, 'reason'),
    plan_hash: textOption(options, 'planHash'),
  };
  const begun = await api.switchOver(pair, request, { signal });
  const ended = options['wait'] === true ? await awaitSwitchover(api, begun, signal) : begun;
  print(terminal, global.output, ended, drawSwitchover);
  return switchoverExit(ended);
}

export const switchoverShow: Verb = {
  name: 'switchover show',
  operands: '<pair> [id]',
  summary: 'steps, certificate and report of the last switchover, or the one named',
  async run({ terminal, global, client }, operands) {
    const id = operands[1] ?? 'last';
    const api = client();
    const answer = await api.switchover(pairName(operands), id, { signal: terminal.signal });
    print(terminal, global.output, answer, drawSwitchover);
    return switchoverExit(answer);
  },
};

export const switchoverCancel: Verb = {
  name: 'switchover cancel',
  operands: '<pair>',
  summary: 'undo the running switchover, if its decision has not been made',
  async run({ terminal, global, client }, operands) {
    const api = client();
    const answer = await api.cancelSwitchover(pairName(operands), { signal: terminal.signal });
    print(terminal, global.output, answer, drawOperation);
    return 0;
  },
};
