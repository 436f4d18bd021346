import type { Lsn } from '@turnout/core/lsn';
import { fail } from '@turnout/contracts/errors';
import type { LargeTransaction } from '../stream/source-transaction.js';
import { contentError, failureKind } from './apply-failure.js';
import { Batching } from './batching.js';
import { countOperations, noOperations, type OperationCounts } from './operations.js';
import type { ProgressKeeper } from './progress-keeper.js';
import { closeLarge } from './sql/progress.js';
import type { TargetCatalog } from './target-catalog.js';
import type { TargetSession } from './target-session.js';

export interface LargeApplied {
  readonly endLsn: Lsn;
  readonly counts: OperationCounts;
}

/**
 * Streams a transaction beyond the memory limit into one open target transaction: `source_lsn`
 * first, for BEGIN holds it, `end_lsn` last. Answers null when the progress row did not match;
 * nothing of the transaction is read then.
 * @throws TRN3001 for what passes by itself: the stream is read again from the last commit
 */
export async function applyLarge(
  transaction: LargeTransaction,
  options: { progress: ProgressKeeper; target: TargetSession; catalog: TargetCatalog },
): Promise<LargeApplied | null> {
  const { progress, target, catalog } = options;
  const { finalLsn } = transaction;
  const counts = noOperations();
  try {
    await target.begin();
    await target.run([progress.advanceTo(finalLsn, progress.row.endLsn, finalLsn)]);
    for await (const chunk of transaction.chunks) {
      await catalog.prepare(chunk);
      const batching = new Batching(catalog.planOf, catalog.lane);
      for (const change of chunk) batching.add(change);
      await target.run(batching.take());
      countOperations(counts, chunk);
    }
    const endLsn = await transaction.committed;
    await target.run([closeLarge(progress.link, progress.row.leaseEpoch, finalLsn, endLsn)]);
    await target.commit();
    progress.moved(finalLsn, endLsn, finalLsn);
    return { endLsn, counts };
  } catch (thrown) {
    await target.rollback();
    const kind = failureKind(thrown);
    if (kind === 'progress') return null;
    if (kind === 'content') throw contentError(thrown, transaction, null);
    if (kind === null) throw thrown;
    throw fail('stream_ended', { link: progress.link, xid: transaction.xid }, thrown);
  }
}
