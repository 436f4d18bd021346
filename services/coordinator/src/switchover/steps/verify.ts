import { fail } from '@turnout/contracts/errors';
import { must } from '@turnout/core/assert';
import { waitUntil } from '@turnout/core/waiting';
import { advanceSequences } from '../../side/sequences.js';
import { proveNoBypass } from '../writers.js';
import type { Run } from '../run.js';
import type { StepAction } from './step.js';

const CHECK_POLL_MS = 2;

async function finalCheck(run: Run): Promise<{ rows: number; id: string }> {
  const { store, pair } = run.deps;
  const proof = must(run.proof, 'verify runs after drain');
  const id = await store.checks.request(pair.name, 'final', {
    source: run.from,
    target: run.to,
    drainLsn: proof.sourceLsn,
  });
  run.checkId = id;
  const check = await waitUntil(
    async () => {
      const row = await store.checks.get(id);
      return row && row.outcome !== null && row.outcome !== 'running' ? row : undefined;
    },
    {
      timeoutMs: run.windowLeftMs(),
      intervalMs: CHECK_POLL_MS,
      signal: run.abort.signal,
      onTimeout: () => fail('step_timed_out', { step: 'verify', check: id }),
    },
  );
  if (check.outcome === 'different') {
    throw fail('final_check_different', { check: id, differences: check.differences });
  }
  if (check.outcome !== 'equal')
    throw fail('check_inconclusive', { check: id, reason: check.reason ?? null });
  return { rows: check.rowsCompared, id };
}

export const verify: StepAction = {
  async act(run) {
    const { control } = run.opened();
    const [check, sequences] = await Promise.all([
      finalCheck(run),
      advanceSequences(control[run.from], control[run.to]),
    ]);
    run.sequences = sequences;
    await proveNoBypass(control[run.from]);
    return { check: check.id, rows_compared: check.rows, sequences: sequences.length };
  },
};
