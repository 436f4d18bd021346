import { fail } from '@turnout/contracts/errors';
import { expect, test } from 'vitest';
import { steadyReader } from './steady-read.js';

const away = (): Promise<never> => Promise.reject(fail('api_unreachable', {}));

test('an API that is away is told once and asked again; any other refusal is thrown', async () => {
  const told: string[] = [];
  const read = steadyReader({ tell: (line) => void told.push(line) });
  expect(await read(away)).toBeUndefined();
  expect(await read(away)).toBeUndefined();
  expect(told).toHaveLength(1);
  expect(await read(() => Promise.resolve(7))).toBe(7);
  const refused = (): Promise<never> => Promise.reject(fail('token_invalid', {}));
  await expect(read(refused)).rejects.toMatchObject({ code: 'TRN7001' });
});

test('a silence that lasts is an end, with the exit code of an API that cannot be reached', async () => {
  const read = steadyReader({ silenceMaxMs: -1 });
  await expect(read(away)).rejects.toMatchObject({ code: 'TRN7007', entry: { exit: 8 } });
});
