import { report, route, watch } from './after.js';
import { acquire, arm, disarm, passGates } from './before.js';
import { decide } from './decide.js';
import type { Step } from './step.js';
import { drain, fence, hold, prepare, resumePoolers, verify } from './window.js';

/**
 * The switch. What happens, in which order, within which time, what it will touch and what undoes it
 * stand in one row each; the loop, the plan, the documents and the tests read this table.
 */
export const STEPS: readonly Step[] = [
  {
    id: 'acquire',
    does: 'End the sessions of a predecessor, claim {from}, then {to}, under a new epoch, and open the sessions of the window.',
    undoes: null,
    timeoutMs: 30_000,
    inWindow: false,
    preview: ({ from, to }) => [
      `update turnout.side set claim_epoch, holder on ${from}, then on ${to}`,
      `sessions control, fence on ${from}; control, prepare on ${to}`,
    ],
    act: acquire,
  },
  {
    id: 'gates',
    does: 'Evaluate every gate again from the databases themselves.',
    undoes: null,
    timeoutMs: 15_000,
    inWindow: false,
    preview: ({ gates }) =>
      gates.map(
        ({ id, open, observed }) => `${id}: ${observed ?? 'unknown'}${open ? '' : ' (closed)'}`,
      ),
    act: passGates,
  },
  {
    id: 'arm',
    does: 'Start the link from {to} back to {from}, see a marker go round, reset the second layer of {to}, advance its sequences, track changed keys, see the standbys follow, arm the guards on {from} and wait for older writers.',
    undoes: 'Disarm the guards on {from} and stop tracking keys.',
    timeoutMs: 60_000,
    inWindow: false,
    preview: (facts) => [
      `slot ${facts.newSlot.name} on ${facts.to}: ${facts.newSlot.exists ? 'is there' : 'is created'}`,
      `${facts.guarded} tables guarded on ${facts.from}, ${facts.unguarded.length} to guard${list(facts.unguarded)}`,
      ...facts.sequences.map(
        ({ name, from, to, note }) =>
          `sequence ${name}: ${from} → ${to ?? '–'}${note && ` (${note})`}`,
      ),
      `standbys that count (${facts.policy}): ${facts.standbys}`,
      ...facts.writers.map((writer) => `waits for ${writer}`),
    ],
    act: arm,
    undo: disarm,
  },
  {
    id: 'hold',
    does: 'Pause every pooler through the guardian; all must acknowledge.',
    undoes: 'Resume every pooler and read it back.',
    timeoutMs: 5_000,
    inWindow: true,
    preview: ({ routes, poolerCount }) => (poolerCount === 0 ? ['no pooler'] : routes),
    act: hold,
    undo: resumePoolers,
  },
  {
    id: 'fence',
    does: 'In one transaction on {from}, left open: close its side row, take the turnstile alone, let the guard refuse.',
    undoes:
      'Nothing to do: the transaction rolls back with its session, also when this process or its connection dies.',
    timeoutMs: 10_000,
    inWindow: true,
    preview: ({ from, lockTimeoutMs, attemptsMax }) => [
      `on ${from}: turnout.transition(… 'closed' …), lock table turnout.turnstile in exclusive mode`,
      `lock_timeout ${lockTimeoutMs} ms, ${attemptsMax} tries`,
    ],
    act: fence,
  },
  {
    id: 'drain',
    does: 'See that no writer bypasses the guard and that the schema is what the gates saw, write a marker on {from} and see it durable on {to} with progress at it, and on the standbys of both.',
    undoes: null,
    timeoutMs: 5_000,
    inWindow: true,
    preview: ({ from, to }) => [`update turnout.marker on ${from}, read turnout.progress on ${to}`],
    act: drain,
  },
  {
    id: 'verify',
    does: 'Compare every row changed since the last proof; set the sequences of {to} to those of {from} plus a margin.',
    undoes: null,
    timeoutMs: 5_000,
    inWindow: true,
    preview: ({ sequences, proofBase }) => [
      proofBase === null ? 'no base to compare against yet' : `on top of check ${proofBase}`,
      `${sequences.length} sequences`,
    ],
    act: verify,
  },
  {
    id: 'prepare',
    does: 'In a transaction on {to}, left open: open its side row at this epoch, let its guard pass, close the old link in its progress row.',
    undoes: 'Nothing to do: the transaction rolls back with its session.',
    timeoutMs: 2_000,
    inWindow: true,
    preview: ({ to, oldLink }) => [
      `on ${to}: turnout.transition(… 'pass' …)`,
      `update turnout.progress set open = false where link = '${oldLink}'`,
    ],
    act: prepare,
  },
  {
    id: 'decide',
    does: 'Write the certificate into the fence transaction and look for writers once more; commit the fence on {from} and read it back (C1), see its standbys follow, commit on {to} and read it back (C2).',
    undoes: null,
    timeoutMs: 20_000,
    inWindow: true,
    decision: true,
    preview: ({ from, to }) => [`commit on ${from}`, `commit on ${to}`],
    act: decide,
  },
  {
    id: 'route',
    does: 'Point every route at {to}, poolers first, and read each back; one that cannot be set is repeated by the loop.',
    undoes: null,
    timeoutMs: 30_000,
    inWindow: true,
    preview: ({ routes }) => (routes.length === 0 ? ['no route'] : routes),
    act: route,
  },
  {
    id: 'watch',
    does: 'See the new link opened by the stream and a canary write on {to} arrive on {from}; the old link watches {from} for leaks.',
    undoes: null,
    timeoutMs: 30_000,
    inWindow: false,
    preview: ({ to, from }) => [`update turnout.marker on ${to}, read it on ${from}`],
    act: watch,
  },
  {
    id: 'report',
    does: 'Store steps, certificate and timings; move the phase.',
    undoes: null,
    timeoutMs: 10_000,
    inWindow: false,
    preview: () => [],
    act: report,
  },
];

const DECISION = STEPS.findIndex(({ decision }) => decision === true);
export const AFTER_DECISION: readonly Step[] = STEPS.slice(DECISION + 1);
/** In the order of undoing: last first. */
export const UNDONE: readonly (Step & Required<Pick<Step, 'undo'>>)[] = STEPS.slice(0, DECISION)
  .filter((step): step is Step & Required<Pick<Step, 'undo'>> => step.undo !== undefined)
  .toReversed();

const list = (names: readonly string[]): string => (names.length > 0 ? `: ${names.join(' ')}` : '');

/** A sentence of a step with the sides of one switch. */
export function sayStep(sentence: string, { from, to }: { from: string; to: string }): string {
  return sentence.replaceAll('{from}', from).replaceAll('{to}', to);
}
