import type { CheckEnd, CheckRow, CheckTable } from '@turnout/store/checks';
import type { PairContext } from '../checker-context.js';
import type { Tally } from '../comparison/comparator.js';

/** Progress is also the sign of life of a claim. */
const PROGRESS_INTERVAL_MS = 1_000;

/** Writes the newest tally at intervals while a check runs; failures leave it to the next one. */
export function startProgress(
  { store }: Pick<PairContext, 'store'>,
  id: string,
): { update(tally: Tally): void; stop(): Promise<void> } {
  let newest: Tally = new Map();
  let writing: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    const tables: CheckTable[] = [...newest].map(([table, each]) => ({ table, ...each }));
    const rowsCompared = tables.reduce((sum, each) => sum + each.rowsCompared, 0);
    const differences = tables.reduce((sum, each) => sum + each.differences, 0);
    writing = store.checks
      .progress(id, { tables, rowsCompared, differences })
      .catch(() => undefined);
  }, PROGRESS_INTERVAL_MS);
  return {
    update: (tally) => {
      newest = tally;
    },
    stop: async () => {
      clearInterval(timer);
      await writing;
    },
  };
}

/** Ends a check in the store and in the metrics; without an outcome it could not verify. */
export async function endCheck(
  { store, meters, log }: PairContext,
  { id, kind, pair }: CheckRow,
  partial: Partial<CheckEnd>,
): Promise<void> {
  const end: CheckEnd = {
    outcome: 'could_not_verify',
    tables: [],
    rowsCompared: 0,
    differences: 0,
    seconds: 0,
    ...partial,
  };
  const { outcome, rowsCompared, differences, seconds, reason } = end;
  if (kind === 'full' && outcome === 'equal') {
    // Before the end is announced: who reads it must not find what it has just resolved.
    const tables = end.tables.map(({ table }) => table);
    await store.checks.resolveDifferences(pair, { tables, resolution: id });
  }
  await store.checks.finish(id, end);
  meters.checkEnded(pair, kind, outcome, seconds, rowsCompared);
  if (differences > 0) meters.differencesFound(pair, differences);
  const facts = { pair, check: id, kind, outcome, rowsCompared, differences, seconds, reason };
  if (outcome === 'equal') log.info(facts, 'check ended');
  else log.warn(facts, 'check ended without a proof');
}
