import type { SwitchoverAnswer } from '@turnout/api-client/answers';
import type { Side } from '@turnout/core/sides';
import { drawOperation } from '../output/lists.js';
import { drawSwitchover } from '../output/switchover-report.js';
import { print } from '../terminal.js';
import type { Session, Verb, VerbOptions } from '../verb.js';
import { awaitSwitchover, cancelExit, switchoverExit } from '../waiting/await-outcome.js';
import { stepRows } from '../waiting/rail-rows.js';
import { waitAloud } from '../waiting/wait-aloud.js';
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
  session: Session,
  pair: string,
  to: Side,
  options: VerbOptions,
): Promise<number> {
  requireConfirmation(pair, options, false);
  const { terminal, global, client } = session;
  const request = {
    to,
    reason: textOption(options, 'reason'),
    plan_hash: textOption(options, 'planHash'),
  };
  const begin = (): Promise<SwitchoverAnswer> =>
    client().switchOver(pair, request, { signal: terminal.signal });
  const ended = options['wait'] === true ? await seeThrough(session, pair, begin) : await begin();
  print(terminal, global.output, ended, drawSwitchover);
  return switchoverExit(ended);
}

/** Shows each step as it begins and ends; ending the waiting does not end the switch. */
function seeThrough(
  session: Session,
  pair: string,
  begin: () => Promise<SwitchoverAnswer>,
): Promise<SwitchoverAnswer> {
  const next = [
    `turnout switchover cancel ${pair}  — take it back, if its decision has not been made`,
    `turnout switchover show ${pair}  — see its steps`,
  ];
  return waitAloud(session, { pair, what: 'the switch', next }, begin, (begun, rail) =>
    awaitSwitchover(session.client(), begun, session.terminal.signal, undefined, {
      tell: (line) => rail.tell(line),
      onAnswer: (answer) => rail.rows(stepRows(answer)),
    }),
  );
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
  summary: 'undo the running switchover; exit 5 if its decision has been made',
  async run(session, operands) {
    const { terminal, global, client } = session;
    const pair = pairName(operands);
    const answer = await client().cancelSwitchover(pair, { signal: terminal.signal });
    const ended =
      answer.outcome === 'running'
        ? await seeThrough(session, pair, () => Promise.resolve(answer))
        : answer;
    print(terminal, global.output, ended, drawSwitchover);
    return cancelExit(ended);
  },
};

export const switchoverSettle: Verb = {
  name: 'switchover settle',
  operands: '<pair>',
  summary: 'have both sides read now, and whatever they say settled',
  async run({ terminal, global, client }, operands) {
    const pair = pairName(operands);
    const answer = await client().settleSwitchover(pair, { signal: terminal.signal });
    print(terminal, global.output, answer, drawOperation);
    return 0;
  },
};
