import type { PoolClient } from 'pg';
import { OutcomeUnknownError, TransactionRolledBackError } from './errors.js';
import { provesAbort } from './refusal.js';

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export interface TransactionOptions {
  readonly isolation?: Isolation | undefined;
  readonly readOnly?: boolean | undefined;
}

const ISOLATIONS: readonly Isolation[] = ['read committed', 'repeatable read', 'serializable'];

/** The BEGIN of `options`. Isolation is checked here: it becomes text of a statement. */
export function beginStatement({ isolation, readOnly }: TransactionOptions): string {
  if (isolation !== undefined && !ISOLATIONS.includes(isolation)) {
    throw new TypeError(`not an isolation level: ${JSON.stringify(isolation)}`);
  }
  const level = isolation === undefined ? '' : ` isolation level ${isolation}`;
  return `begin${level}${readOnly ? ' read only' : ''}`;
}

/**
 * Runs `fn` in one transaction on `client` and gives the client back, whatever happens.
 * @throws OutcomeUnknownError when the answer to COMMIT was lost; TransactionRolledBackError when
 * COMMIT answered ROLLBACK; else what `fn` or the server threw, and then nothing was committed
 */
export async function runTransaction<T>(
  client: PoolClient,
  fn: (client: PoolClient) => Promise<T>,
  options: TransactionOptions,
): Promise<T> {
  let broken: Error | null = null;
  // Without a listener a connection that dies between two statements would end the process.
  const onError = (error: Error): void => {
    broken ??= error;
  };
  client.on('error', onError);
  const release = (destroy: boolean): void => {
    client.off('error', onError);
    client.release(destroy || broken !== null);
  };
  let value: T;
  try {
    await client.query(beginStatement(options));
    value = await fn(client);
    // COMMIT was not sent: that nothing was committed is certain, and must not read as unknown.
    if (broken !== null) throw broken;
  } catch (thrown) {
    release(!(await rollBack(client, broken)));
    throw thrown;
  }
  await commit(client, release);
  return value;
}

/** Whether the connection may be used again. */
async function rollBack(client: PoolClient, broken: Error | null): Promise<boolean> {
  if (broken !== null) return false;
  return client.query('rollback').then(
    () => true,
    () => false,
  );
}

async function commit(client: PoolClient, release: (destroy: boolean) => void): Promise<void> {
  let tag: string;
  try {
    tag = (await client.query('commit')).command;
  } catch (thrown) {
    release(true);
    throw provesAbort(thrown) ? thrown : new OutcomeUnknownError(thrown);
  }
  release(false);
  if (tag !== 'COMMIT') throw new TransactionRolledBackError();
}
