import { createHash } from 'node:crypto';
import { otherSide, type Side } from '@turnout/core/sides';
import { evaluateGates } from '@turnout/machine/gates';
import { planSteps, type PlanningPort } from '@turnout/machine/plan';
import type { StepId } from '@turnout/machine/switchover-steps';
import type { PairContext } from '../context.js';
import { readSequences } from '@turnout/postgres/catalog/sequences';
import { readFacts } from '../gates/read-facts.js';
import { withSideSessions } from '../pairs/side-sessions.js';
import { lockTurnstile } from '../switchover/sql/drain-sql.js';

interface Recorded {
  readonly id: string;
  readonly outcome: string;
  readonly ms: number | null;
}

/** Median time of each step in earlier switches: the only basis an estimate has. */
function medians(history: readonly (readonly Recorded[])[]): Map<string, number> {
  const times = new Map<string, number[]>();
  for (const { id, outcome, ms } of history.flat()) {
    if (outcome === 'done' && ms !== null) times.set(id, [...(times.get(id) ?? []), ms]);
  }
  return new Map(
    [...times].map(([id, list]) => [id, list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0]),
  );
}

/** The dry run: the step table read through a port that looks instead of acting. */
export async function planView(context: PairContext, to: Side): Promise<object> {
  const { pair, store, routes, clock } = context;
  const from = otherSide(to);
  return withSideSessions(pair, async (control) => {
    const facts = await readFacts({ pair, store, routes, control, from, nowMs: clock.nowMs() });
    const gates = evaluateGates(facts, pair.gates);
    const sequences = await readSequences(control[from]);
    const past = await store.switchovers.list(pair.name);
    const times = medians(past.map(({ steps }) => steps));
    const details: Partial<Record<StepId, readonly string[]>> = {
      gates: gates.map(
        ({ id, open, observed }) => `${id}: ${observed ?? 'unknown'}${open ? '' : ' (closed)'}`,
      ),
      hold: routes.describe(),
      fence: [`on ${from}: ${lockTurnstile.text.trim()}`],
      verify: [`${sequences.length} sequences`],
      route: routes.describe(),
    };
    const port: PlanningPort = {
      detail: (step) => details[step] ?? [],
      estimateMs: (step) => times.get(step) ?? null,
    };
    const steps = planSteps(to, port);
    // Observed values change from one look to the next; what would be done must not.
    const frozen = JSON.stringify([to, steps.map(({ id, does }) => [id, does]), routes.describe()]);
    return {
      schema: 'turnout.plan/v1',
      pair: pair.name,
      to,
      hash: createHash('sha256').update(frozen).digest('hex').slice(0, 16),
      steps,
      gates,
      estimate:
        times.size === 0
          ? null
          : {
              window_ms: steps
                .filter((step) => step.in_window)
                .reduce((sum, step) => sum + (step.estimate_ms ?? 0), 0),
              basis: `${past.length} earlier switches`,
            },
      next_steps: [
        { command: `turnout switchover ${pair.name} --to ${to} --wait`, why: 'Do exactly this.' },
      ],
    };
  });
}
