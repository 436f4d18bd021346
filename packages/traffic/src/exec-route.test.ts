import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExecRoute } from './exec-route.js';

let directory: string;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnout-exec-'));
  file = join(directory, 'route');
});

afterAll(() => rm(directory, { recursive: true }));

const shell = (script: string) => ['/bin/sh', '-c', script];

test('the program is told the side and is read back by the other', async () => {
  const route = new ExecRoute({
    pair: 'shop',
    command: [
      ...shell(`echo "$TURNOUT_SIDE" > ${file}; echo "$0 $TURNOUT_EPOCH" > ${file}.args`),
      '{side}',
    ],
    probe: shell(`cat ${file}`),
  });
  expect(await route.probe()).toBe('unknown');
  await route.point('green', { epoch: 3n });
  expect(await route.probe()).toBe('green');
  expect(await readFile(`${file}.args`, 'utf8')).toBe('green 3\n');
});

test('success without effect, failure, and a program that hangs are all told', async () => {
  const probe = shell('echo blue');
  const idle = new ExecRoute({ pair: 'shop', command: shell('true'), probe });
  await expect(idle.point('green', { epoch: 1n })).rejects.toMatchObject({
    code: 'TRN5014',
    facts: { wanted: 'green', observed: 'blue', exit_code: null },
  });
  const failing = new ExecRoute({ pair: 'shop', command: shell('exit 3'), probe });
  await expect(failing.point('blue', { epoch: 1n })).rejects.toMatchObject({
    facts: { observed: 'blue', exit_code: '3' },
  });
  const hanging = new ExecRoute({
    pair: 'shop',
    command: ['/bin/sleep', '60'],
    probe,
    timeoutMs: 200,
  });
  await expect(hanging.point('blue', { epoch: 1n })).rejects.toMatchObject({ code: 'TRN5014' });
});
