import { fail } from '@turnout/contracts/errors';
import type { Session } from './session.js';

export interface TransactionOptions {
  /** Clause behind BEGIN, such as `isolation level repeatable read, read only`. */
  readonly mode?: string | undefined;
  /** Settings for this transaction only. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/**
 * Commits and looks at the answer: a transaction that has failed answers COMMIT with `ROLLBACK`
 * and without an error.
 * @throws TRN5020
 */
export async function commit(session: Session): Promise<void> {
  const { command } = await session.query('commit');
  if (command !== 'COMMIT') throw fail('commit_refused', { answer: command });
}

/** Runs `work` in one transaction of `session`; anything thrown rolls it back and is thrown on. */
export async function inTransaction<T>(
  session: Session,
  work: (session: Session) => Promise<T>,
  { mode = '', settings = {} }: TransactionOptions = {},
): Promise<T> {
  await session.query(`begin ${mode}`);
  try {
    for (const [name, value] of Object.entries(settings)) {
      await session.query(/* sql */ `select set_config($1, $2, true)`, [name, value]);
    }
    const result = await work(session);
    await commit(session);
    return result;
  } catch (thrown) {
    await session.query('rollback').catch(() => undefined);
    throw thrown;
  }
}
