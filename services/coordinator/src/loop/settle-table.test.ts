import { SIDES, type Side } from '@turnout/core/sides';
import { describe, expect, test } from 'vitest';
import {
  SETTLE_TABLE,
  settle,
  SETTLEMENTS,
  shapeOf,
  SHAPES,
  SIDE_FACTS,
  type SettleFacts,
} from './settle-table.js';

const BOOLEANS = [true, false] as const;
const MAYBE_SIDE: readonly (Side | null)[] = [...SIDES, null];
const ROWS: readonly SettleFacts['row'][] = [
  null,
  ...SIDES.flatMap((to) => BOOLEANS.map((begun) => ({ to, begun }))),
];

/** Every combination of what the sides, the progress rows, the claims and the store may say. */
function* everything(): Generator<SettleFacts> {
  for (const blue of SIDE_FACTS)
    for (const green of SIDE_FACTS)
      for (const armed of BOOLEANS)
        for (const newerFence of MAYBE_SIDE)
          for (const source of MAYBE_SIDE)
            for (const certified of BOOLEANS)
              for (const installed of [true, false, null])
                for (const journalSide of MAYBE_SIDE)
                  for (const switching of BOOLEANS)
                    for (const row of ROWS)
                      for (const attempt of ['none', 'ours', 'superseded'] as const)
                        yield {
                          sides: { blue, green },
                          armed,
                          newerFence,
                          source,
                          certified,
                          installed,
                          journalSide,
                          switching,
                          row,
                          attempt,
                        };
}

/** Fails with the first combination that breaks the rule. */
function always(rule: (facts: SettleFacts, done: ReturnType<typeof settle>) => boolean): void {
  for (const facts of everything()) {
    const done = settle(facts);
    if (!rule(facts, done)) expect.fail(`${JSON.stringify(facts)} → ${JSON.stringify(done)}`);
  }
}

const open = ({ sides }: SettleFacts): Side[] => SIDES.filter((side) => sides[side] === 'open');

describe('over every combination', () => {
  test('exactly one thing is done, and every list ends with a rule that always holds', () => {
    always((_, { do: action, why }) => SETTLEMENTS.includes(action) && why !== '');
    for (const shape of SHAPES) expect(SETTLE_TABLE[shape].at(-1)?.when).toBeUndefined();
  });

  test('an attempt of ours is left alone, and one that was superseded stands down', () => {
    always((facts, { do: action }) => {
      if (facts.attempt === 'ours') return action === 'nothing';
      return facts.attempt === 'none' || action === 'stand_down';
    });
  });

  test('a side is closed again only while both are open, and never the one that keeps its right', () => {
    always((facts, { do: action, side }) => {
      if (action !== 'refence') return true;
      return open(facts).length === 2 && side !== null && side !== facts.newerFence;
    });
  });

  test('an opening is thought of only when both sides answered that they are closed', () => {
    always((facts, { do: action }) => {
      const { blue, green } = facts.sides;
      const opens = action === 'decide' || action === 'reopen';
      return !opens || (blue === 'closed' && green === 'closed');
    });
  });

  test('two open sides, and two closed ones, are never left as they are', () => {
    always((facts, { do: action }) => {
      if (facts.attempt !== 'none' || facts.installed === false) return true;
      const shape = shapeOf(facts.sides);
      if (shape !== 'both_open' && shape !== 'both_closed') return true;
      return ['refence', 'decide', 'reopen', 'operator'].includes(action);
    });
  });

  test('a switch is finished only where the side it moves to is open, undone only where it is not', () => {
    always((facts, { do: action, side }) => {
      if (action === 'finish') return facts.row?.to === side && open(facts).length === 1;
      if (action !== 'undo') return true;
      return open(facts).length === 1 && (facts.row?.to !== side || !facts.row.begun);
    });
  });

  test('a running row that was begun never stays without a settlement while a side answers', () => {
    always((facts, { do: action }) => {
      const begun = facts.row?.begun === true && facts.attempt === 'none';
      if (!begun || facts.installed === false || open(facts).length !== 1) return true;
      return shapeOf(facts.sides) === 'not_installed' || ['finish', 'undo'].includes(action);
    });
  });

  test('the journal is believed about nothing while a switch runs, and a store that is away adopts nothing', () => {
    always((facts, { do: action }) => {
      return action !== 'adopt' || (facts.row === null && facts.journalSide !== null);
    });
  });

  test('every rule is reached by some combination', () => {
    const reached = new Set<string>();
    for (const facts of everything()) reached.add(settle(facts).why);
    for (const rules of Object.values(SETTLE_TABLE)) {
      for (const { why } of rules) expect(reached).toContain(why);
    }
  });
});
