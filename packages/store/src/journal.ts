import { fail } from '@turnout/contracts/errors';
import type { Side } from '@turnout/core/sides';
import { flag, json, timeText } from './column-values.js';
import { rowsOf, type Database } from './database.js';
import { lockPair, pairRow, type Condition, type PairRow } from './pairs.js';
import * as sql from './sql/journal.js';
import { advancePair, type PairColumns } from './sql/pairs.js';
import { lockRun } from './sql/switchovers.js';

export type JournalData = Readonly<Record<string, unknown>>;

export interface JournalEntry {
  readonly pair: string;
  readonly revision: number;
  readonly at: string;
  readonly type: string;
  readonly actor: string;
  /** False for what the machine refused. */
  readonly accepted: boolean;
  readonly data: JournalData;
}

/** Who speaks for a switch: what a predecessor that woke up has to say of it is refused. */
export interface Runner {
  readonly switchover: string;
  readonly holder: string;
}

export interface NewEntry {
  readonly type: string;
  readonly data: JournalData;
  readonly actor: string;
  readonly accepted: boolean;
  /** Only while this one runs the switch, checked in the same transaction. */
  readonly runner?: Runner | undefined;
}

export interface Transition {
  /** Refuses when the pair has moved on since the caller looked. */
  readonly expectRevision?: number | undefined;
  readonly phase?: string | undefined;
  readonly writableSide?: Side | undefined;
  readonly conditions?: readonly Condition[] | undefined;
  readonly type: string;
  readonly data: JournalData;
  readonly actor: string;
  readonly runner?: Runner | undefined;
}

function journalEntry(row: sql.JournalColumns): JournalEntry {
  return {
    pair: row.pair,
    revision: Number(row.revision),
    at: timeText(row.at),
    type: row.type,
    actor: row.actor,
    accepted: flag(row.accepted),
    data: json<JournalData>(row.data),
  };
}

/** Append-only record of a pair; the state of the pair changes in the same transaction. */
export class Journal {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Records without changing the pair; answers the revision. @throws TRN5001, TRN5015 */
  async append(pair: string, { accepted, ...entry }: NewEntry): Promise<number> {
    const row = await this.#record(pair, {}, entry, accepted);
    return row.revision;
  }

  /** Changes the pair and records why. @throws TRN5001, TRN5005 when `expectRevision` is past, TRN5015 */
  transition(pair: string, transition: Transition): Promise<PairRow> {
    return this.#record(pair, transition, transition, true);
  }

  /** Entries after `afterRevision` in order, at most `limit`. */
  async read(
    pair: string,
    { afterRevision = 0, limit = 1_000 }: { afterRevision?: number; limit?: number } = {},
  ): Promise<JournalEntry[]> {
    const rows = await this.#database.rows<sql.JournalColumns>(
      sql.readEntries(pair, afterRevision, limit),
    );
    return rows.map(journalEntry);
  }

  #record(
    pair: string,
    change: Pick<Transition, 'expectRevision' | 'phase' | 'writableSide' | 'conditions'>,
    { type, data, actor, runner }: Pick<Transition, 'type' | 'data' | 'actor' | 'runner'>,
    accepted: boolean,
  ): Promise<PairRow> {
    return this.#database.transaction(async (transaction) => {
      const before = await lockPair(transaction, pair);
      if (runner && (await rowsOf(transaction, lockRun(runner))).length === 0) {
        throw fail('superseded', { switchover: runner.switchover });
      }
      const { expectRevision } = change;
      if (expectRevision !== undefined && before.revision !== expectRevision) {
        throw fail('expectation_failed', {
          pair,
          expected: expectRevision,
          revision: before.revision,
        });
      }
      const [row] = await rowsOf<PairColumns>(
        transaction,
        advancePair(pair, {
          phase: change.phase ?? null,
          writableSide: change.writableSide ?? null,
          conditions: change.conditions ? JSON.stringify(change.conditions) : null,
        }),
      );
      const after = pairRow(row!);
      await transaction.query(
        sql.insertEntry({
          pair,
          revision: after.revision,
          type,
          actor,
          accepted,
          data: JSON.stringify(data),
        }),
      );
      return after;
    });
  }
}
