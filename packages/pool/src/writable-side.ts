import { otherSide, SIDES, type Side } from '@turnout/core/sides';

/** What a side said about itself. `absent`: Turnout is not installed there. */
export type SideAnswer =
  | { readonly kind: 'open' | 'closed'; readonly fenceEpoch: bigint }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown'; readonly error: unknown };

export type SideAnswers = Readonly<Record<Side, SideAnswer>>;

/** What is believed without asking: the side last used, else the side named by the route. */
export interface Belief {
  readonly last: Side | null;
  readonly hint: Side | null;
}

/**
 * The side to use, or null when the answers do not tell. A side is only ever opened after the other
 * is fenced, so one answer `open` is enough; two mean that they were read at different moments, and
 * the later fence wins.
 */
export function writableSide(answers: SideAnswers, { last, hint }: Belief): Side | null {
  const { blue, green } = answers;
  if (blue.kind === 'open' && green.kind === 'open') {
    if (blue.fenceEpoch === green.fenceEpoch) return last;
    return blue.fenceEpoch > green.fenceEpoch ? 'blue' : 'green';
  }
  const open = SIDES.find((side) => answers[side].kind === 'open');
  if (open) return open;
  const believed = last ?? hint;
  // Before `start` and after `complete` nobody can be asked; only memory tells the two apart.
  if (blue.kind === 'absent' && green.kind === 'absent') return believed ?? 'blue';
  const absent = SIDES.find((side) => answers[side].kind === 'absent');
  if (absent === undefined) return null;
  if (believed === absent) return absent;
  // Taken down from green while blue still stands closed would look the same as never installed.
  return absent === 'blue' && answers[otherSide(absent)].kind !== 'unknown' ? 'blue' : null;
}

/** Both sides answered that they are closed: a switch is between its two commits, or an operator acts. */
export function areBothClosed(answers: SideAnswers): boolean {
  return SIDES.every((side) => answers[side].kind === 'closed');
}

/** The first error among the answers, if any. */
export function errorOf(answers: SideAnswers): unknown {
  for (const side of SIDES) {
    const answer = answers[side];
    if (answer.kind === 'unknown') return answer.error;
  }
  return undefined;
}
