import type { OperationAnswer } from '@turnout/api-client/answers';
import type { PairAction } from '@turnout/api-client/turnout-client';
import { drawOperation } from '../output/lists.js';
import { print } from '../terminal.js';
import type { Session, Verb, VerbOptions } from '../verb.js';
import { awaitPhase } from '../waiting/await-start.js';
import { PhaseRows } from '../waiting/rail-rows.js';
import { waitAloud } from '../waiting/wait-aloud.js';
import { pairName, requireConfirmation } from './operand.js';

interface ActionVerb {
  readonly action: PairAction;
  readonly summary: string;
  readonly needsConfirmation?: boolean;
  /** The phase in which nothing is left to do; the verb waits for it. */
  readonly until?: string;
}

const CONFIRM = ['--confirm <pair>', 'the name of the pair once more, against mistakes'] as const;
const NO_WAIT = ['--no-wait', 'return when it was taken up, not when nothing is left'] as const;
/** An object that cannot be removed in this time needs a person; it is tried again by itself too. */
const REMOVAL_MS = 5 * 60_000;

function actionVerb(verb: ActionVerb): Verb {
  const { action, summary, needsConfirmation = false, until } = verb;
  return {
    name: action,
    operands: '<pair>',
    summary,
    options: until === undefined ? [CONFIRM] : [CONFIRM, NO_WAIT],
    async run(session, operands, options) {
      const pair = pairName(operands);
      requireConfirmation(pair, options, needsConfirmation);
      if (until !== undefined && waits(options)) return actAndWait(session, pair, verb, until);
      const { terminal, global, client } = session;
      const answer = await client().act(pair, action, { signal: terminal.signal });
      print(terminal, global.output, answer, drawOperation);
      return 0;
    },
  };
}

const waits = (options: VerbOptions): boolean => options['wait'] !== false;

/** The request itself may last: what it waits for is shown from its beginning. */
async function actAndWait(
  session: Session,
  pair: string,
  { action }: ActionVerb,
  until: string,
): Promise<number> {
  const { terminal, global, client } = session;
  const { signal } = terminal;
  const next = [`turnout status ${pair}  — see what is left`];
  const aloud = { pair, what: `the ${action} of ${pair}`, next };
  const begin = (): Promise<OperationAnswer> => client().act(pair, action, { signal });
  const answer = await waitAloud(session, aloud, begin, async (operation, rail) => {
    const phases = new PhaseRows();
    const reached = await awaitPhase(client(), pair, until, {
      signal,
      timeoutMs: REMOVAL_MS,
      tell: (line) => rail.tell(line),
      onAnswer: (answer) => rail.rows(phases.next(answer)),
    });
    rail.rows(phases.reached());
    return { ...operation, state: 'done', next_steps: reached.next_steps };
  });
  print(terminal, global.output, answer, drawOperation);
  return 0;
}

export const pausePair = actionVerb({
  action: 'pause',
  summary: 'stop applying; the slot keeps what arrives',
});
export const resumePair = actionVerb({ action: 'resume', summary: 'go on after a pause' });
export const abortPair = actionVerb({
  action: 'abort',
  summary: 'give up and remove everything that was installed',
  until: 'aborted',
});
export const completePair = actionVerb({
  action: 'complete',
  summary: 'end the migration: no way back afterwards; needs --confirm',
  needsConfirmation: true,
  until: 'completed',
});
export const cleanupPair = actionVerb({
  action: 'cleanup',
  summary: 'remove what is left of Turnout on the sides, now instead of at the next try',
});
export const adoptPair = actionVerb({
  action: 'adopt',
  summary: 'take what the sides say where the control store says otherwise (a restored store)',
});
