import { STEP_IDS } from '@turnout/machine/switchover-steps';
import { expect, test } from 'vitest';
import { AFTER_DECISION, sayStep, STEPS, UNDONE } from './steps.js';

test('the table holds every step once, in the order of their names', () => {
  expect(STEPS.map(({ id }) => id)).toEqual(STEP_IDS);
});

test('there is exactly one point of no return, and nothing after it is undone', () => {
  expect(STEPS.filter(({ decision }) => decision)).toHaveLength(1);
  for (const step of AFTER_DECISION) {
    expect(step.undo).toBeUndefined();
    expect(step.undoes).toBeNull();
  }
});

test('what holds or refuses writes before the decision says how it ends', () => {
  for (const id of ['hold', 'fence', 'prepare'] as const) {
    expect(STEPS.find((step) => step.id === id)?.undoes).not.toBeNull();
  }
});

test('poolers go on before the guards are disarmed: held clients wait for nothing else', () => {
  expect(UNDONE.map(({ id }) => id)).toEqual(['hold', 'arm']);
});

test('a sentence names the sides', () => {
  expect(sayStep('from {from} to {to}', { from: 'blue', to: 'green' })).toBe('from blue to green');
});
