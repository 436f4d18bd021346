import type { WholeTransaction } from '../stream/source-transaction.js';
import { contentError } from './apply-failure.js';
import { Batching } from './batching.js';
import type { ProgressKeeper } from './progress-keeper.js';
import type { TargetCatalog } from './target-catalog.js';
import type { TargetSession } from './target-session.js';

/**
 * Repeats one refused transaction statement by statement and throws the error that names the table.
 * Nothing of it stays; returns when it went through this time.
 * @throws TRN3006, TRN3007
 */
export async function nameFailure(
  transaction: WholeTransaction,
  options: { progress: ProgressKeeper; target: TargetSession; catalog: TargetCatalog },
): Promise<void> {
  const { progress, target, catalog } = options;
  const batching = new Batching(catalog.planOf, 'ordered');
  for (const change of transaction.changes) batching.add(change);
  let table: string | null = null;
  try {
    await target.begin();
    await target.run([
      progress.advanceTo(transaction.finalLsn, transaction.endLsn, transaction.finalLsn),
    ]);
    for (const statement of batching.take()) {
      table = statement.table;
      await target.run([statement]);
    }
  } catch (thrown) {
    if (table !== null) throw contentError(thrown, transaction, table);
  } finally {
    await target.rollback();
  }
}
