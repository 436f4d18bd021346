import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '@turnout/core/waiting';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExecRoute } from './exec-route.js';

let directory: string;
let file: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnout-exec-'));
  file = join(directory, 'route');
});

afterAll(() => rm(directory, { recursive: true }));

const { signal } = new AbortController();
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
  expect(await route.probe({ signal })).toMatchObject({ routedTo: 'unknown' });
  await route.point('green', { epoch: 3n, signal });
  expect(await route.probe({ signal })).toEqual({ routedTo: 'green', why: null });
  expect(await readFile(`${file}.args`, 'utf8')).toBe('green 3\n');
});

test('success without effect, failure, and a program that hangs are all told', async () => {
  const probe = shell('echo blue');
  const idle = new ExecRoute({ pair: 'shop', command: shell('true'), probe });
  await expect(idle.point('green', { epoch: 1n, signal })).rejects.toMatchObject({
    code: 'TRN5014',
    facts: { wanted: 'green', observed: 'blue', exit_code: null },
  });
  const failing = new ExecRoute({ pair: 'shop', command: shell('exit 3'), probe });
  await expect(failing.point('blue', { epoch: 1n, signal })).rejects.toMatchObject({
    facts: { observed: 'blue', exit_code: '3' },
  });
  const hanging = new ExecRoute({
    pair: 'shop',
    command: ['/bin/sleep', '60'],
    probe,
    timeoutMs: 200,
  });
  await expect(hanging.point('blue', { epoch: 1n, signal })).rejects.toMatchObject({
    code: 'TRN5014',
  });
});

test('a script that is given up is killed with all its children, and cannot act later', async () => {
  const late = join(directory, 'late');
  const command = shell(`(sleep 30; echo too-late > ${late}) & echo $! > ${late}.pid; wait`);
  const route = new ExecRoute({ pair: 'shop', command, probe: shell('echo blue') });
  const stop = new AbortController();
  const pointed = route.point('green', { epoch: 1n, signal: stop.signal });
  const pid = await waitUntil(
    async () => Number(await readFile(`${late}.pid`, 'utf8').catch(() => '')) || undefined,
    { timeoutMs: 5_000, intervalMs: 5, onTimeout: () => new Error('the script did not start') },
  );
  stop.abort();
  await expect(pointed).rejects.toMatchObject({ code: 'TRN5014' });
  await waitUntil(async () => (await isGone(pid)) || undefined, {
    timeoutMs: 5_000,
    intervalMs: 5,
    onTimeout: () => new Error('its child is still there'),
  });
});

/** Killed and not waited for counts: whoever adopts it reaps it in its own time. */
async function isGone(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat === null || /\) Z /.test(stat);
}
