import { otherSide, type Direction, type Side } from '@turnout/core/sides';
import type { GateVerdict } from '@turnout/machine/gates';
import { edgeFor } from '@turnout/machine/pair-machine';
import { PHASE_TRAITS, type Phase } from '@turnout/machine/phases';
import type { WaitingNote } from '@turnout/store/notes';
import type { PairRow } from '@turnout/store/pairs';
import type { Worker } from '../gates/workers.js';

export interface NextStep {
  readonly command: string;
  readonly why: string;
}

/** What the next step is computed from: the same machine, traits and gates that accept it. */
export interface NextStepFacts {
  readonly row: PairRow;
  readonly waiting: WaitingNote | null;
  readonly workers: readonly Worker[];
  /** Empty when they mean nothing yet or could not be read. */
  readonly gates: readonly GateVerdict[];
  /** The open side by its own word; the journal's when it is not known. */
  readonly open: Side;
  readonly openLeaks: number | null;
  /** Links that stopped at an error. */
  readonly linksFailed: readonly Direction[];
}

interface Candidate {
  readonly why: string;
  command(facts: NextStepFacts): string;
  when(facts: NextStepFacts): boolean;
}

const phaseOf = ({ row }: NextStepFacts): Phase => row.phase as Phase;
const accepts = (facts: NextStepFacts, event: Parameters<typeof edgeFor>[1]): boolean =>
  edgeFor(phaseOf(facts), event) !== null;
const holds = ({ row }: NextStepFacts, condition: string): boolean =>
  row.conditions.some((each) => each.condition === condition);
const dead = ({ workers, row }: NextStepFacts): Worker | undefined =>
  PHASE_TRAITS[row.phase as Phase].forward === 'stopped'
    ? undefined
    : workers.find(({ holder, service }) => holder === null && service !== 'lag-monitor');
const gatesOpen = ({ gates }: NextStepFacts): boolean =>
  gates.length > 0 && gates.every(({ open }) => open);
const verified = ({ gates }: NextStepFacts): boolean =>
  gates.find(({ id }) => id === 'verified')?.open === true;
const switchable = (facts: NextStepFacts): boolean =>
  accepts(facts, 'switchover_requested') && !holds(facts, 'paused');

/** In order; those that hold are shown, the first few of them. */
const CANDIDATES: readonly Candidate[] = [
  {
    why: 'Nobody does a part of the work.',
    command: (facts) => dead(facts)?.remedy ?? '',
    when: (facts) => dead(facts) !== undefined,
  },
  {
    why: 'A person has to decide; the runbook says how.',
    command: ({ row }) => `turnout switchover settle ${row.pair}`,
    when: ({ waiting, row }) => waiting?.holder === 'operator' && row.phase === 'switching',
  },
  {
    why: 'The link stopped; it goes on from there once what it names is mended.',
    command: ({ row, linksFailed: [direction] }) =>
      `turnout link retry ${row.pair} --direction ${direction}`,
    when: ({ linksFailed }) => linksFailed.length > 0,
  },
  {
    why: 'Go on once what is named is mended.',
    command: ({ row }) => `turnout start ${row.pair} --wait`,
    when: (facts) => holds(facts, 'errored') && accepts(facts, 'start_requested'),
  },
  {
    why: 'The link rests: nothing is carried over.',
    command: ({ row }) => `turnout resume ${row.pair}`,
    when: (facts) => holds(facts, 'paused') && PHASE_TRAITS[phaseOf(facts)].pausable,
  },
  {
    why: 'See what the migration needs.',
    command: ({ row }) => `turnout preflight ${row.pair}`,
    when: ({ row }) => row.phase === 'draft' || row.phase === 'aborted',
  },
  {
    why: 'Begin the copy.',
    command: ({ row }) => `turnout start ${row.pair} --wait`,
    // What an earlier start copied is still on green: after an abort preflight says so first.
    when: (facts) => facts.row.phase === 'draft' && !holds(facts, 'errored'),
  },
  {
    why: 'Follow it.',
    command: ({ row }) => `turnout status ${row.pair} --watch`,
    when: ({ row }) => ['preflight', 'copying', 'catching_up'].includes(row.phase),
  },
  {
    why: 'Writes were found on a fenced side.',
    command: ({ row }) => `turnout leaks list ${row.pair}`,
    when: ({ openLeaks }) => (openLeaks ?? 0) > 0,
  },
  {
    why: 'Prove that both sides are equal.',
    command: ({ row }) => `turnout verify ${row.pair} --wait`,
    when: (facts) =>
      PHASE_TRAITS[phaseOf(facts)].checked && !verified(facts) && !holds(facts, 'paused'),
  },
  {
    why: 'See what a switch would do.',
    command: ({ row, open }) => `turnout plan ${row.pair} --to ${otherSide(open)}`,
    when: (facts) => switchable(facts) && facts.open === 'blue' && gatesOpen(facts),
  },
  {
    why: 'The way back stands open.',
    command: ({ row }) => `turnout rollback ${row.pair} --wait`,
    when: (facts) => switchable(facts) && facts.open === 'green' && gatesOpen(facts),
  },
  {
    why: 'See what keeps a gate closed.',
    command: ({ row }) => `turnout status ${row.pair} --watch`,
    when: (facts) => switchable(facts) && verified(facts) && !gatesOpen(facts),
  },
  {
    why: 'A switch is running.',
    command: ({ row }) => `turnout switchover show ${row.pair}`,
    when: ({ row }) => row.phase === 'switching',
  },
  {
    why: 'What is left of Turnout is removed; see what stands in the way.',
    command: ({ row }) => `turnout cleanup ${row.pair}`,
    when: ({ row }) => row.phase === 'aborting' || row.phase === 'completing',
  },
  {
    why: 'The journal of the migration.',
    command: ({ row }) => `turnout events ${row.pair}`,
    when: ({ row }) => row.phase === 'completed',
  },
];

const STEPS_MAX = 3;

export function nextSteps(facts: NextStepFacts): NextStep[] {
  return CANDIDATES.filter((each) => each.when(facts))
    .slice(0, STEPS_MAX)
    .map((each) => ({ command: each.command(facts), why: each.why }));
}
