import { otherSide, type Side } from '@turnout/core/sides';

/** What one side says of itself. `silent`: it did not answer; `absent`: Turnout is not installed. */
export const SIDE_FACTS = ['silent', 'absent', 'open', 'closed'] as const;
export type SideFact = (typeof SIDE_FACTS)[number];

/** Everything that settling looks at. The sides come first; the store only says what was asked for. */
export interface SettleFacts {
  readonly sides: Readonly<Record<Side, SideFact>>;
  /** The guard of the open side is armed although no attempt runs. */
  readonly armed: boolean;
  /** Side with the higher fence epoch; null when they are equal. */
  readonly newerFence: Side | null;
  /** Side that the open link reads from, by the progress rows; null when they do not say. */
  readonly source: Side | null;
  /** Of two closed sides, the one that was open carries the certificate of a decision. */
  readonly certified: boolean;
  /** The phase expects Turnout on both sides; null when the store is away and was never read. */
  readonly installed: boolean | null;
  /** Writable side by the journal; null when the store is away. */
  readonly journalSide: Side | null;
  /** The phase is `switching`. */
  readonly switching: boolean;
  /** The switchover that runs according to the store. */
  readonly row: { readonly to: Side; readonly begun: boolean } | null;
  /** An attempt of this process; `superseded` when another holder was seen on a side. */
  readonly attempt: 'none' | 'ours' | 'superseded';
}

export const SETTLEMENTS = [
  'nothing',
  'wait',
  'stand_down',
  'finish',
  'undo',
  'disarm',
  'decide',
  'reopen',
  'refence',
  'adopt',
  'operator',
] as const;

/** What to do, with the side it is about: the one that is or stays open, or is to be closed again. */
export interface Settlement {
  readonly do: (typeof SETTLEMENTS)[number];
  readonly side: Side | null;
  readonly why: string;
}

interface Rule {
  readonly do: Settlement['do'];
  readonly why: string;
  /** Left out, the rule always holds: the last of every list. */
  when?(facts: SettleFacts, open: Side): boolean;
  side?(facts: SettleFacts, open: Side): Side | null;
}

/** Of two closed sides the one that was open: by the open link, or else the one fenced last. */
function lastOpen({ source, newerFence }: SettleFacts): Side | null {
  return source ?? newerFence;
}

/** How the two sides stand to each other, whichever is which. */
export const SHAPES = [
  'one_open',
  'open_and_silent',
  'closed_and_silent',
  'both_open',
  'both_closed',
  'both_silent',
  'not_installed',
] as const;
export type Shape = (typeof SHAPES)[number];

/** PROTOCOL 12: rules in order, the first that holds is done. `open` is the side that is open. */
export const SETTLE_TABLE: Readonly<Record<Shape, readonly Rule[]>> = {
  one_open: [
    {
      do: 'finish',
      why: 'The switch was decided: the side it moves to is open and the other is closed.',
      when: ({ row }, open) => row?.begun === true && row.to === open,
    },
    {
      do: 'undo',
      why: 'The switch was not decided: the side it leaves is open.',
      when: ({ row }, open) => row !== null && (row.begun || row.to === open),
    },
    {
      do: 'adopt',
      why: 'The journal names another side, or a switch that no longer runs: the sides win.',
      when: ({ row, journalSide, switching }, open) =>
        row === null && journalSide !== null && (journalSide !== open || switching),
    },
    {
      do: 'disarm',
      why: 'A guard was left armed, which costs every write a lock.',
      when: ({ row, armed }) => row === null && armed,
    },
    { do: 'nothing', why: 'One side is open, the other closed, and the journal agrees.' },
  ],
  open_and_silent: [
    {
      do: 'finish',
      why: 'The switch was decided: the side it moves to is open.',
      when: ({ row }, open) => row?.begun === true && row.to === open,
    },
    {
      do: 'undo',
      why: 'The switch was not decided: the side it leaves is open.',
      when: ({ row }, open) => row !== null && (row.begun || row.to === open),
    },
    {
      do: 'disarm',
      why: 'A guard was left armed, which costs every write a lock.',
      when: ({ row, armed }) => row === null && armed,
    },
    { do: 'nothing', why: 'The open side serves; the other does not answer.' },
  ],
  closed_and_silent: [
    {
      do: 'operator',
      why: 'One side is closed and the other does not answer: nobody may write until it does.',
      side: () => null,
    },
  ],
  both_open: [
    {
      do: 'refence',
      why: 'A side that was fenced is open again: the one fenced earlier is closed at once.',
      when: ({ newerFence }) => newerFence !== null,
      side: ({ newerFence }) => otherSide(newerFence!),
    },
    {
      do: 'refence',
      why: 'A side that was fenced is open again: the link that is open says which is the source.',
      when: ({ source }) => source !== null,
      side: ({ source }) => otherSide(source!),
    },
    {
      do: 'operator',
      why: 'Both sides are open and nothing says which should be.',
      side: () => null,
    },
  ],
  both_closed: [
    {
      do: 'decide',
      why: 'Between the two commits: prove the drain again and open the other side, or go back.',
      when: (facts) => facts.certified && lastOpen(facts) !== null,
      side: lastOpen,
    },
    {
      do: 'reopen',
      why: 'No decision closed the side that was open: it opens again.',
      when: (facts) => lastOpen(facts) !== null,
      side: lastOpen,
    },
    {
      do: 'operator',
      why: 'Both sides are closed and nothing says which was open.',
      side: () => null,
    },
  ],
  both_silent: [{ do: 'wait', why: 'Neither side answers.', side: () => null }],
  not_installed: [
    {
      do: 'operator',
      why: 'A side has lost the objects of Turnout: it was restored or replaced.',
      when: ({ installed }) => installed === true,
      side: () => null,
    },
    {
      do: 'nothing',
      why: 'Turnout is not installed on both sides yet, or not any more.',
      side: () => null,
    },
  ],
};

export function shapeOf({ blue, green }: SettleFacts['sides']): Shape {
  const both = [blue, green];
  const count = (fact: SideFact): number => both.filter((each) => each === fact).length;
  if (count('absent') > 0) return 'not_installed';
  if (count('silent') === 2) return 'both_silent';
  if (count('silent') === 1) return count('open') === 1 ? 'open_and_silent' : 'closed_and_silent';
  if (count('open') === 1) return 'one_open';
  return count('open') === 2 ? 'both_open' : 'both_closed';
}

/** Exactly one thing to do about what the sides say. */
export function settle(facts: SettleFacts): Settlement {
  if (facts.attempt === 'superseded') {
    return { do: 'stand_down', side: null, why: 'Another holder has claimed a side.' };
  }
  if (facts.attempt === 'ours') {
    return { do: 'nothing', side: null, why: 'An attempt of this process is under way.' };
  }
  const shape = shapeOf(facts.sides);
  if (facts.installed === false && shape !== 'not_installed') {
    return { do: 'nothing', side: null, why: 'The phase expects nothing of the sides yet.' };
  }
  const open: Side = facts.sides.green === 'open' ? 'green' : 'blue';
  const rule = SETTLE_TABLE[shape].find((each) => each.when?.(facts, open) ?? true)!;
  return { do: rule.do, side: rule.side ? rule.side(facts, open) : open, why: rule.why };
}
