import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SwitchoverAnswer } from '@turnout/api-client/answers';
import { expect, test } from 'vitest';
import { measureSwitches, type MeasuredSwitch } from './measure.js';

const ANSWER = {
  id: 'sw_1',
  to: 'green',
  outcome: 'committed',
  window_ms: 20,
  steps: [],
} as unknown as SwitchoverAnswer;

async function withLedger<T>(acksMs: readonly number[], work: (file: string) => Promise<T>) {
  const directory = await mkdtemp(join(tmpdir(), 'turnout-measure-'));
  try {
    const file = join(directory, 'writer-1.ledger');
    const lines = acksMs.map((ms, index) => `attempt ${index + 1}\nacknowledge ${index + 1} ${ms}`);
    await writeFile(file, `writer 1\n${lines.join('\n')}\n`);
    return await work(file);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Asked for at 100, over at 200. */
const over: MeasuredSwitch = {
  to: 'green',
  answer: ANSWER,
  fromMs: 100,
  untilMs: 200,
  atMs: 0,
  errorsBefore: 0,
};

test('a writer told to stop right after the last switch has no stall of two seconds', async () => {
  const [figures] = await withLedger([90, 150, 195], (file) =>
    measureSwitches([over], {
      ledgerFiles: [file],
      watched: { fromMs: 80, untilMs: 200 },
      errors: 0,
    }),
  );
  expect(figures?.client_stall_ms).toEqual({ p50: 60, p99: 60, max: 60 });
});

test('a writer that never came back stalled until watching ended, and errors count once', async () => {
  const [figures] = await withLedger([90], (file) =>
    measureSwitches([over], {
      ledgerFiles: [file],
      watched: { fromMs: 50, untilMs: 700 },
      errors: 3,
    }),
  );
  expect(figures).toMatchObject({ client_stall_ms: { max: 610 }, client_errors: 3 });
});
