import type { Lsn } from '@turnout/core/lsn';
import type { Change } from '@turnout/postgres/pgoutput/messages';
import { relationsOf, TURNOUT_SCHEMA } from '../stream/classify.js';
import type { SourceTransaction } from '../stream/source-transaction.js';
import type { ProgressKeeper } from './progress-keeper.js';
import { recordLeak } from './sql/leak.js';
import type { TargetSession } from './target-session.js';

export interface RecordedLeak {
  readonly tables: readonly string[];
  readonly endLsn: Lsn;
  /** End of what was applied before the leak; all of it is durable now. */
  readonly previousEndLsn: Lsn;
}

/** Writes leaks down, durably, before anything later is applied, persisted or acknowledged. */
export class LeakRecorder {
  readonly #target: TargetSession;
  readonly #progress: ProgressKeeper;

  constructor(target: TargetSession, progress: ProgressKeeper) {
    this.#target = target;
    this.#progress = progress;
  }

  /**
   * Answers null when the progress row was no longer as remembered; it is reloaded then. The chunks
   * of a large transaction are read only once, so its leak is recorded as soon as it has arrived.
   * @throws TRN3009
   */
  async record(transaction: SourceTransaction): Promise<RecordedLeak | null> {
    const tables = new Set<string>();
    let changes = 0;
    const count = (some: readonly Change[]): void => {
      changes += some.length;
      for (const relation of some.flatMap(relationsOf)) {
        if (relation.schema !== TURNOUT_SCHEMA) tables.add(`${relation.schema}.${relation.name}`);
      }
    };
    const { finalLsn, xid, committedAtUs } = transaction;
    if (transaction.type === 'whole') count(transaction.changes);
    else for await (const chunk of transaction.chunks) count(chunk);
    const endLsn = transaction.type === 'whole' ? transaction.endLsn : await transaction.committed;
    const { row, link } = this.#progress;
    const [held] = await this.#target.transaction(
      [
        recordLeak({
          link,
          leaseEpoch: row.leaseEpoch,
          source: row.sourceLsn,
          finalLsn,
          xid,
          committedAtUs,
          tables: [...tables],
          changes,
        }),
      ],
      { durable: true },
    );
    if (held?.[0]?.held === '1') return { tables: [...tables], endLsn, previousEndLsn: row.endLsn };
    await this.#progress.reload();
    return null;
  }
}
