import { expect, test } from 'vitest';
import { STEP_IDS, stepsToUndo, SWITCHOVER_STEPS, type Step } from './switchover-steps.js';

const steps: readonly Step[] = SWITCHOVER_STEPS;

test('there is exactly one point of no return, and nothing after it has an undo', () => {
  expect(steps.filter(({ decision }) => decision)).toHaveLength(1);
  const decided = steps.findIndex(({ decision }) => decision);
  for (const step of steps.slice(decided)) expect(step.undo).toBeNull();
});

test('whatever holds or refuses writes before the decision can be undone', () => {
  for (const id of ['hold', 'fence', 'prepare'] as const) {
    expect(steps.find((step) => step.id === id)?.undo).not.toBeNull();
  }
});

test('undoing goes backwards from the step that failed', () => {
  expect(stepsToUndo('drain')).toEqual(['fence', 'hold', 'arm', 'acquire']);
  expect(stepsToUndo('acquire')).toEqual(['acquire']);
});

test('step ids are distinct', () => {
  expect(new Set(STEP_IDS).size).toBe(STEP_IDS.length);
});
