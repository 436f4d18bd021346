import { expect, test } from 'vitest';
import { Holds } from './holds.js';

test('work stands at a held point until it is released, and passes every other', async () => {
  const holds = new Holds();
  const passed: string[] = [];
  const work = async (): Promise<void> => {
    for (const name of ['one', 'two', 'three']) {
      await holds.failpoint(name);
      passed.push(name);
    }
  };
  const two = holds.at('two');
  const done = work();
  await two.reached;
  expect(passed).toEqual(['one']);
  two.release();
  await done;
  expect(passed).toEqual(['one', 'two', 'three']);
  expect(holds.seen).toEqual(['one', 'two', 'three']);
  await work();
  expect(passed, 'a released point holds nobody again').toHaveLength(6);
});

test('work may be failed where it stands', async () => {
  const holds = new Holds();
  const point = holds.at('here');
  const work = holds.failpoint('here');
  await point.reached;
  point.release(new Error('as told'));
  await expect(work).rejects.toThrow('as told');
});
