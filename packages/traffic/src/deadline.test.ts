import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { withDeadline } from './deadline.js';

const onTimeout = (): Error => new Error('time is up');
const never = (): Promise<never> => new Promise(() => undefined);

test('work that does not obey its signal is not waited for', async () => {
  let seen: AbortSignal | undefined;
  const work = (signal: AbortSignal): Promise<never> => {
    seen = signal;
    return never();
  };
  await expect(withDeadline({ deadlineMs: 20, onTimeout }, work)).rejects.toThrow('time is up');
  expect(seen?.aborted).toBe(true);
});

test('the outer signal ends the work at once, and keeps no listener of it', async () => {
  const outer = new AbortController();
  const limits = { signal: outer.signal, deadlineMs: 60_000, onTimeout };
  expect(await withDeadline(limits, () => Promise.resolve(7))).toBe(7);
  expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
  const ended = withDeadline(limits, never);
  outer.abort();
  await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
  await expect(withDeadline(limits, () => Promise.resolve(7))).rejects.toMatchObject({
    name: 'AbortError',
  });
});

test('the reason told is the limit, not what broke because of it', async () => {
  const work = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(new Error('socket closed')));
    });
  await expect(withDeadline({ deadlineMs: 5, onTimeout }, work)).rejects.toThrow('time is up');
});
