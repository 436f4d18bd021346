import { isAppError } from '@turnout/core/app-error';
import { fail } from '@turnout/contracts/errors';
import type { Pool } from '@turnout/postgres/pool';
import type { Statement } from '@turnout/postgres/sql/statement';

/** What a topic of the store needs to run its statements: the pool, or a transaction on it. */
export interface Queryable {
  query(statement: Statement): Promise<{ rows: unknown[]; rowCount: number | null }>;
}

/** Classes of SQLSTATE that speak of the connection or the server, not of the statement. */
const UNREACHABLE = /^(08|57P|53)/;

function storeError(thrown: unknown): unknown {
  if (isAppError(thrown)) {
    return /^TRN200[123]$/.test(thrown.code)
      ? fail('store_unreachable', thrown.facts, thrown)
      : thrown;
  }
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : null;
  const isStatementError = code !== null && /^[0-9A-Z]{5}$/.test(code) && !UNREACHABLE.test(code);
  // An assertion or a type error is ours and must stay recognisable as such.
  const isOurs = code === null && thrown instanceof Error && thrown.name !== 'Error';
  return isStatementError || isOurs ? thrown : fail('store_unreachable', { code }, thrown);
}

/** The pool of the control store; what makes it unreachable is reported as TRN6001. */
export class Database {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** @throws TRN6001 */
  async rows<Row>(statement: Statement): Promise<Row[]> {
    try {
      const { rows } = await this.#pool.withClient((session) => session.query(statement));
      return rows as Row[];
    } catch (thrown) {
      throw storeError(thrown);
    }
  }

  /** First row or null. @throws TRN6001 */
  async row<Row>(statement: Statement): Promise<Row | null> {
    return (await this.rows<Row>(statement))[0] ?? null;
  }

  /** Commits when `work` resolves and rolls back when it rejects. @throws TRN6001 */
  async transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    try {
      return await this.#pool.transaction(work);
    } catch (thrown) {
      throw storeError(thrown);
    }
  }

  /** As `transaction`, with a commit that is flushed whatever the defaults of role and database. */
  async durably<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    try {
      return await this.#pool.transaction(work, { settings: { synchronous_commit: 'on' } });
    } catch (thrown) {
      throw storeError(thrown);
    }
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

export async function rowsOf<Row>(queryable: Queryable, statement: Statement): Promise<Row[]> {
  return (await queryable.query(statement)).rows as Row[];
}
