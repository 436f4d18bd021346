import { expect, test } from 'vitest';
import { edgeFor, eventsAccepted, PAIR_MACHINE } from './pair-machine.js';
import { PAIR_EVENTS, PHASES, type PairEvent, type Phase } from './phases.js';

/**
 * The whole matrix, written a second time by hand: one column an event in the order of PAIR_EVENTS,
 * '-' a rejection. A change to the table must be meant twice.
 */
const EXPECTED: Record<Phase, string> = {
  draft: 'preflight - - - - - - - - - - - - aborting - verifying on_green',
  preflight: '- copying draft - - - - - - - - - - aborting - - -',
  copying: 'copying - - catching_up - - - - - - - - - aborting - - -',
  catching_up: 'catching_up - - - verifying - - - - - - - - aborting - - -',
  verifying: '- - - - - ready verifying - - - - - - aborting - - on_green',
  ready: '- - - - - ready verifying switching - - - - - aborting - - on_green',
  switching: '- - - - - - - - on_green ready ready on_green - - - verifying on_green',
  on_green: '- - - - - on_green on_green switching - - - - completing - - verifying -',
  completing: '- - - - - - - - - - - - - - completed - -',
  completed: '- - - - - - - - - - - - - - - - -',
  aborting: '- - - - - - - - - - - - - - aborted - -',
  aborted: 'preflight - - - - - - - - - - - - - - - -',
};

const cells = PHASES.flatMap((phase) =>
  PAIR_EVENTS.map((event, index): [Phase, PairEvent, string] => [
    phase,
    event,
    EXPECTED[phase].split(' ')[index] ?? 'missing',
  ]),
);

test.each(cells)('%s × %s → %s', (phase, event, expected) => {
  expect(edgeFor(phase, event)?.to ?? '-').toBe(expected);
});

test('once a switch may have happened, abort is no way out', () => {
  expect(edgeFor('switching', 'abort_requested')).toBeNull();
  expect(edgeFor('on_green', 'abort_requested')).toBeNull();
});

test('every phase can be reached from draft', () => {
  const seen = new Set<Phase>(['draft']);
  for (const phase of seen) {
    for (const event of eventsAccepted(phase)) seen.add(edgeFor(phase, event)!.to);
  }
  expect([...seen].toSorted()).toEqual([...PHASES].toSorted());
});

test('every edge says why', () => {
  for (const edges of Object.values(PAIR_MACHINE)) {
    for (const { why } of Object.values(edges)) expect(why).toMatch(/^[A-Z].*\.$/);
  }
});
