import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTurnout, turnout } from './turnout.js';

const DEMO_MS = 280_000;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'turnout-e2e-'));
  // Servers run as another user when this is root.
  await chmod(directory, 0o755);
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Whatever the demo left; the unpacked programs stay on purpose. */
async function leftBehind(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => !name.startsWith('turnout-cache-'));
}

test.each(['pg_dump', 'existing'])(
  'the whole job loses nothing, with the schema by %s, and leaves nothing behind',
  { timeout: DEMO_MS },
  async (schema) => {
    const { exit, out, said } = await turnout(['demo', '--json', '--schema', schema], {
      TMPDIR: directory,
    });
    expect(out.trim().split('\n'), said).toHaveLength(1);
    const report = JSON.parse(out) as { why_not: string[] };
    expect(report.why_not, said).toEqual([]);
    expect(report).toMatchObject({
      schema: 'turnout.demo/v1',
      ok: true,
      blue_version: '13.11',
      green_version: '15.4',
      schema_transfer: schema,
      both_sides_writable_ms: 0,
      writes: { lost: 0, duplicated: 0, unexplained: 0 },
    });
    expect(exit).toBe(0);
    expect(await leftBehind()).toEqual([]);
  },
);

test('an interrupted demo removes everything and says so by its exit code', async () => {
  const demo = startTurnout(['demo', '--json'], { TMPDIR: directory });
  await demo.says(/writers at work/);
  demo.interrupt();
  const { exit, out } = await demo.done;
  expect(exit).toBe(130);
  expect(out).toBe('');
  expect(await leftBehind()).toEqual([]);
});
