import { within } from '@turnout/core/waiting';
import { fail } from '@turnout/contracts/errors';
import {
  executeBatch,
  failedStatement,
  type StatementResult,
} from '@turnout/postgres/pipeline/batch';
import { openSession, REPLICA_ROLE, type Endpoint, type Session } from '@turnout/postgres/session';
import { StatementNames } from './statement-names.js';
import type { BuiltStatement } from './sql/statement.js';

/**
 * Settings of every session that writes user tables. A progress row held by a switchover is waited
 * for, so there is no lock timeout; the session is ended instead when the worker stops.
 */
const APPLY_SETTINGS = {
  ...REPLICA_ROLE,
  synchronous_commit: 'off',
  lock_timeout: '0',
  row_security: 'off',
  jit: 'off',
  // Rows are found one by one through an index: a plan must not flip to reading whole tables.
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  plan_cache_mode: 'force_generic_plan',
} as const;

const CLOSE_TIMEOUT_MS = 2_000;

export type TextRow = Readonly<Record<string, string | null>>;

const REFUSED_AT = new WeakMap<object, number>();

/** Index among the statements given to `transaction` of the one that was refused, or null. */
export function refusedStatement(thrown: unknown): number | null {
  return typeof thrown === 'object' && thrown !== null ? (REFUSED_AT.get(thrown) ?? null) : null;
}

const plain = (text: string): BuiltStatement => ({ text, values: [] });

/** A session on the target that applies transactions, each pipelined behind one Sync. */
export class TargetSession {
  readonly #session: Session;
  readonly #names = new StatementNames();

  constructor(session: Session) {
    this.#session = session;
  }

  static async open(endpoint: Endpoint, applicationName: string): Promise<TargetSession> {
    const settings = APPLY_SETTINGS;
    return new TargetSession(await openSession({ endpoint, applicationName, settings }));
  }

  async query({ text, values }: BuiltStatement): Promise<TextRow[]> {
    const { rows } = await this.#session.query<TextRow>(text, [...values]);
    return rows;
  }

  /**
   * One transaction in one round trip. `durable` waits for the disk, and so for everything that was
   * committed before. Answers the rows of each statement.
   */
  async transaction(
    statements: readonly BuiltStatement[],
    { durable }: { durable: boolean },
  ): Promise<(readonly TextRow[])[]> {
    const head = [plain('begin'), ...(durable ? [plain('set local synchronous_commit = on')] : [])];
    try {
      const results = await this.#run([...head, ...statements, plain('commit')]);
      const tag = results.at(-1)?.command;
      // A failed transaction answers COMMIT with the tag ROLLBACK and no error.
      if (tag !== 'COMMIT') throw fail('change_refused', { answer: tag ?? null });
      return results.slice(head.length, -1).map(({ rows }) => rows);
    } catch (thrown) {
      const failed = failedStatement(thrown);
      if (failed !== null) REFUSED_AT.set(thrown as object, failed - head.length);
      await this.rollback();
      throw thrown;
    }
  }

  /** Part of a transaction that stays open: a large one is sent as it arrives. */
  async run(statements: readonly BuiltStatement[]): Promise<void> {
    await this.#run(statements);
  }

  begin(): Promise<void> {
    return this.run([plain('begin'), plain('set local synchronous_commit = on')]);
  }

  async commit(): Promise<void> {
    const [result] = await this.#run([plain('commit')]);
    if (result?.command !== 'COMMIT')
      throw fail('change_refused', { answer: result?.command ?? null });
  }

  /** Leaves a failed transaction; on a dead session there is nothing to leave. */
  async rollback(): Promise<void> {
    await this.#session.query('rollback').catch(() => undefined);
  }

  /** Bounded: a server that does not answer must not keep its worker. */
  async close(): Promise<void> {
    const ended = this.#session.end();
    await within(ended, CLOSE_TIMEOUT_MS, () => new Error('late')).catch(() => undefined);
  }

  async #run(statements: readonly BuiltStatement[]): Promise<StatementResult[]> {
    const named = statements.map(({ text, values }) => ({
      name: this.#names.nameOf(text),
      text,
      values,
    }));
    return executeBatch(this.#session, named);
  }
}
