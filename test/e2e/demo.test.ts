import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { startTurnout, turnout } from './turnout.js';

const DEMO_MS = 280_000;

function demoDirectories(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith('turnout-demo-'));
}

test.each(['pg_dump', 'existing'])(
  'the whole job loses nothing, with the schema by %s, and leaves nothing behind',
  { timeout: DEMO_MS },
  async (schema) => {
    const before = demoDirectories();
    const { exit, out, said } = await turnout(['demo', '--json', '--schema', schema]);
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
    expect(demoDirectories()).toEqual(before);
  },
);

test('an interrupted demo removes everything and says so by its exit code', async () => {
  const before = demoDirectories();
  const demo = startTurnout(['demo', '--json']);
  await demo.says(/writers at work/);
  demo.interrupt();
  const { exit, out } = await demo.done;
  expect(exit).toBe(130);
  expect(out).toBe('');
  expect(demoDirectories()).toEqual(before);
});
