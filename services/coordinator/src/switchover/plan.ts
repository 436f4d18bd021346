import { createHash } from 'node:crypto';
import { fail } from '@turnout/contracts/errors';
import { otherSide, type Side } from '@turnout/core/sides';
import { edgeFor } from '@turnout/machine/pair-machine';
import type { Phase } from '@turnout/machine/phases';
import { withSideSessions } from '../side/read-sessions.js';
import type { Requesting } from './request.js';
import { sayStep, STEPS } from './steps.js';
import { lasting, readPlanFacts } from './plan-facts.js';

interface Recorded {
  readonly id: string;
  readonly outcome: string;
  readonly ms: number | null;
}

const GATES_AGE_MAX_MS = 1_000;

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

export interface Plan {
  readonly hash: string;
  readonly [field: string]: unknown;
}

/**
 * The dry run: the very rows that would act say what they would act on. The hash covers all of it but
 * what was merely observed.
 * @throws TRN5025 for the side that takes the writes already
 */
export async function planView({ context, gates, probes }: Requesting, to: Side): Promise<Plan> {
  const { pair, store } = context;
  const latest = probes[to].latest;
  if (latest?.reachable && latest.row?.state === 'open') {
    throw fail('side_open_already', { side: to });
  }
  const row = await store.pairs.get(pair.name);
  const switchable = row !== null && edgeFor(row.phase as Phase, 'switchover_requested') !== null;
  const from = otherSide(to);
  const { verdicts } = await gates.recent(from, GATES_AGE_MAX_MS);
  const past = await store.switchovers.list(pair.name);
  const times = medians(past.map(({ steps }) => steps));
  return withSideSessions(pair, async (sessions) => {
    const facts = await readPlanFacts(context, sessions, { to, gates: verdicts });
    const stays = lasting(facts);
    const frozen = STEPS.map((step) => [step.id, sayStep(step.does, facts), step.preview(stays)]);
    const steps = STEPS.map((step) => ({
      id: step.id,
      does: sayStep(step.does, facts),
      undo: step.undoes === null ? null : sayStep(step.undoes, facts),
      in_window: step.inWindow,
      decision: step.decision === true,
      timeout_ms: step.timeoutMs,
      detail: step.preview(facts),
      estimate_ms: times.get(step.id) ?? null,
    }));
    const windowMs = steps
      .filter((step) => step.in_window)
      .reduce((sum, step) => sum + (step.estimate_ms ?? 0), 0);
    return {
      schema: 'turnout.plan/v1',
      pair: pair.name,
      to,
      hash: createHash('sha256')
        .update(JSON.stringify([to, frozen]))
        .digest('hex')
        .slice(0, 16),
      steps,
      gates: verdicts,
      estimate:
        times.size === 0 ? null : { window_ms: windowMs, basis: `${past.length} earlier switches` },
      next_steps:
        switchable && verdicts.every(({ open }) => open)
          ? [
              {
                command: `turnout switchover ${pair.name} --to ${to} --wait`,
                why: 'Do exactly this.',
              },
            ]
          : [{ command: `turnout status ${pair.name}`, why: 'See what stands in the way.' }],
    };
  });
}
