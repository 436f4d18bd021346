import { SETTLE_TABLE, type Settlement, type Shape } from '@turnout/coordinator/loop/settle-table';
import { REQUIREMENTS } from '@turnout/coordinator/preflight/requirements';
import { sayStep, STEPS } from '@turnout/coordinator/switchover/steps';
import { formatMs } from '@turnout/core/quantities';
import { GATES } from '@turnout/machine/gates';
import { table } from './markdown.js';

const SHAPE_TITLES: Readonly<Record<Shape, string>> = {
  one_open: 'one open, one closed',
  open_and_silent: 'one open, one silent',
  closed_and_silent: 'one closed, one silent',
  both_open: 'both open',
  both_closed: 'both closed',
  both_silent: 'both silent',
  not_installed: 'not installed on one of them',
};

const MEANS: Readonly<Record<Settlement['do'], string>> = {
  nothing: 'go on with what is asked for',
  wait: 'look again; `status` says for what',
  stand_down: 'end the own attempt; another holder acts',
  finish: 'claim both and run the steps after the decision',
  undo: 'claim both and undo the steps, last first',
  disarm: 'as `undo`, without a switch to write down',
  decide:
    'claim both, prove the drain anew and open the other side; if that fails, open the side that was',
  reopen: 'claim both, open the side that was open and close the link into it',
  refence: 'claim both and close the side named, at the fence epoch of the other; a person is told',
  adopt: 'move the phase to what the sides say, journalled',
  operator: 'wait for the word of a person, and keep looking',
};

/** What the sides say, and what is done about it: the rules in their order. */
export function settleTable(): string[] {
  const rules = Object.entries(SETTLE_TABLE).flatMap(([shape, rows]) =>
    rows.map((rule, i) => [
      i === 0 ? SHAPE_TITLES[shape as Shape] : '',
      rule.when ? `${i + 1}` : `${i + 1}, otherwise`,
      `\`${rule.do}\``,
      rule.why,
    ]),
  );
  return [
    ...table(['the sides', 'rule', 'do', 'because'], rules),
    '',
    ...table(
      ['do', 'is'],
      Object.entries(MEANS).map(([each, means]) => [`\`${each}\``, means]),
    ),
  ];
}

/** The switch, a row a step; `from` is the side that is left. */
export function stepTable(): string[] {
  const say = (sentence: string): string => sayStep(sentence, { from: '`from`', to: '`to`' });
  return table(
    ['#', 'step', 'does', 'undone by', 'ends after', 'writes held'],
    STEPS.map((step, i) => [
      i + 1,
      step.decision ? `**${step.id}** (point of no return)` : step.id,
      say(step.does),
      step.undoes === null ? '–' : say(step.undoes),
      formatMs(step.timeoutMs),
      step.inWindow ? 'yes' : 'no',
    ]),
  );
}

export function gateTable(): string[] {
  return table(
    ['gate', 'why'],
    Object.entries(GATES).map(([id, { why }]) => [id, why]),
  );
}

export function requirementTable(): string[] {
  return table(
    ['requirement', 'holds when', 'otherwise'],
    REQUIREMENTS.map(({ id, ok, severity, error }) => [id, ok, `${severity} \`${error}\``]),
  );
}
