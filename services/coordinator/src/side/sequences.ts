import { incrementsLeft, readSequences, type Sequence } from '@turnout/postgres/catalog/sequences';
import { quoteTable } from '@turnout/postgres/identifiers';
import type { Session } from '@turnout/postgres/session';
import { setSequences } from './sql/sequences-sql.js';

/** A sequence, where it stands on both sides, and by how many increments `to` is ahead. */
export interface SequenceMove {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** Whether the value was handed out; if not, it is the next one. */
  readonly from_called: boolean;
  readonly to_called: boolean;
  readonly margin: string;
}

export type SequenceNote =
  | 'ahead by the margin'
  | 'margin shortened: near its end'
  | 'exact: it cycles'
  | 'exact: not called yet'
  | 'stays: already ahead'
  | 'missing on the other side';

/** What the switch will do with one sequence; nothing was done yet. */
export interface SequencePreview {
  readonly name: string;
  readonly from: string;
  readonly to: string | null;
  readonly margin: string;
  readonly note: SequenceNote;
}

export interface SequenceMargin {
  /** Increments a second that were seen, by name as in `SequenceMove`. */
  readonly rates?: ReadonlyMap<string, number> | undefined;
  /** How long values may be taken from `from` after it was read. */
  readonly windowMs?: number | undefined;
}

/** Least margin: nextval passes the fence and cannot be copied exactly. */
export const SEQUENCE_MARGIN_INCREMENTS = 1_000n;
/** Of what is left to the end, a switch takes no more than one part in ten. */
const LEFT_PARTS = 10n;
/** A sequence with less than this part of its range left is told of. */
const NEAR_END_PERCENT = 5n;

/** Name as `regclass` reads it back on the other side. */
function nameOf({ schema, name }: Sequence): string {
  return quoteTable({ schema, name });
}

function max(...values: readonly bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most));
}

/** Increments that values handed out behind our back may take at most. */
function wantedMargin(sequence: Sequence, { rates, windowMs = 0 }: SequenceMargin): bigint {
  const rate = rates?.get(nameOf(sequence)) ?? 0;
  return max(
    SEQUENCE_MARGIN_INCREMENTS,
    sequence.cache,
    BigInt(Math.ceil((rate * windowMs) / 1_000)),
  );
}

interface Position {
  readonly value: bigint;
  readonly called: boolean;
}

interface Planned {
  readonly target: Position;
  /** Whether `to` has to be set. */
  readonly moves: boolean;
  readonly margin: bigint;
  readonly note: SequenceNote;
}

/** What is handed out next, the end of the range not regarded. */
function nextOf({ value, called }: Position, increment: bigint): bigint {
  return called ? value + increment : value;
}

function wantedPosition(from: Sequence, to: Sequence, margin: SequenceMargin): Planned {
  const exact = { value: from.value, called: from.called };
  if (from.cycle) return { target: exact, moves: true, margin: 0n, note: 'exact: it cycles' };
  if (!from.called) {
    return { target: exact, moves: true, margin: 0n, note: 'exact: not called yet' };
  }
  const wanted = wantedMargin(from, margin);
  const left = [from, { ...to, value: from.value, called: true }].map(incrementsLeft);
  const affordable = (left[0]! < left[1]! ? left[0]! : left[1]!) / LEFT_PARTS;
  const steps = wanted < affordable ? wanted : affordable;
  return {
    target: { value: from.value + from.increment * steps, called: true },
    moves: true,
    margin: steps,
    note: steps < wanted ? 'margin shortened: near its end' : 'ahead by the margin',
  };
}

/**
 * Where a sequence of `to` has to stand. One that cycles is set exactly, whatever it stands at; any
 * other never goes back, because what it handed out is in rows already.
 */
export function planSequence(from: Sequence, to: Sequence, margin: SequenceMargin = {}): Planned {
  const plan = wantedPosition(from, to, margin);
  if (from.cycle) {
    const same = to.value === from.value && to.called === from.called;
    return { ...plan, moves: !same };
  }
  const ahead = nextOf(to, from.increment) - nextOf(plan.target, from.increment);
  const behind = from.increment > 0n ? ahead < 0n : ahead > 0n;
  if (behind) return plan;
  const steps = (nextOf(to, from.increment) - nextOf(from, from.increment)) / from.increment;
  const note = ahead === 0n ? plan.note : 'stays: already ahead';
  return {
    target: { value: to.value, called: to.called },
    moves: false,
    margin: max(steps, 0n),
    note,
  };
}

interface Matched {
  readonly name: string;
  readonly from: Sequence;
  readonly to: Sequence | undefined;
}

async function readBoth(from: Session, to: Session): Promise<Matched[]> {
  const [source, target] = await Promise.all([readSequences(from), readSequences(to)]);
  const targets = new Map(target.map((row) => [nameOf(row), row]));
  return source.map((row) => ({ name: nameOf(row), from: row, to: targets.get(nameOf(row)) }));
}

/**
 * Sets the sequences of `to` to where those of `from` stand, with the margin, called or not.
 * @returns every sequence with its value on both sides, for the certificate
 */
export async function advanceSequences(
  from: Session,
  to: Session,
  margin: SequenceMargin = {},
): Promise<SequenceMove[]> {
  const planned = (await readBoth(from, to)).flatMap((each) =>
    each.to === undefined ? [] : [{ ...each, plan: planSequence(each.from, each.to, margin) }],
  );
  const settings = planned.flatMap(({ name, plan }) =>
    plan.moves ? [{ name, ...plan.target }] : [],
  );
  if (settings.length > 0) await to.query(setSequences(settings));
  return planned.map(({ name, from: row, plan }) => ({
    name,
    from: String(row.value),
    to: String(plan.target.value),
    from_called: row.called,
    to_called: plan.target.called,
    margin: String(plan.margin),
  }));
}

/** What `advanceSequences` would do now, for the plan. */
export async function previewSequences(
  from: Session,
  to: Session,
  margin: SequenceMargin = {},
): Promise<SequencePreview[]> {
  return (await readBoth(from, to)).map(({ name, from: row, to: other }) => {
    const head = { name, from: String(row.value) };
    if (!other) return { ...head, to: null, margin: '0', note: 'missing on the other side' };
    const { target, margin: steps, note } = planSequence(row, other, margin);
    return { ...head, to: String(target.value), margin: String(steps), note };
  });
}

/** Positions at one moment, to tell how fast they are used. */
export interface SequenceSample {
  readonly atMs: number;
  readonly moves: readonly Pick<SequenceMove, 'name' | 'from'>[];
}

/** Distance in values a second between two samples; at least as many as increments. */
export function sequenceRates(earlier: SequenceSample, later: SequenceSample): Map<string, number> {
  const seconds = Math.max((later.atMs - earlier.atMs) / 1_000, 0.001);
  const before = new Map(earlier.moves.map(({ name, from }) => [name, BigInt(from)]));
  return new Map(
    later.moves.map(({ name, from }) => {
      const distance = BigInt(from) - (before.get(name) ?? BigInt(from));
      return [name, Math.abs(Number(distance)) / seconds];
    }),
  );
}

/** A sequence that will run out: within the margin of a switch, or with a small part of its range. */
export interface SequenceNearEnd {
  readonly name: string;
  readonly left: bigint;
  readonly descending: boolean;
  /** Column it feeds, null for one that belongs to none. */
  readonly ownedBy: string | null;
}

export function sequencesNearEnd(sequences: readonly Sequence[]): SequenceNearEnd[] {
  return sequences
    .filter((sequence) => {
      if (sequence.cycle) return false;
      const left = incrementsLeft(sequence);
      const whole = incrementsLeft({ ...sequence, value: sequence.start, called: false });
      return left <= max((whole * NEAR_END_PERCENT) / 100n, wantedMargin(sequence, {}));
    })
    .map((each) => ({
      name: nameOf(each),
      left: incrementsLeft(each),
      descending: each.increment < 0n,
      ownedBy: each.ownedBy,
    }));
}
