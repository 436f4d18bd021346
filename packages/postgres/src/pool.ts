import pg from 'pg';
import {
  clientConfig,
  connectionError,
  liftLaterLimits,
  type Session,
  type SessionOptions,
} from './session.js';
import { inTransaction, type TransactionOptions } from './transaction.js';

const CONNECTIONS_MAX = 4;
const IDLE_MS_MAX = 30_000;

export interface PoolOptions extends SessionOptions {
  /** Connections at most, 4 unless given. */
  readonly connectionsMax?: number | undefined;
}

/** A few sessions with pinned settings; all values arrive as text. */
export interface Pool {
  query<R extends pg.QueryResultRow = Record<string, string | null>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<pg.QueryResult<R>>;
  /** Lends one session; it must not be ended, and nothing may go on with it afterwards. */
  withClient<T>(work: (session: Session) => Promise<T>): Promise<T>;
  /** @throws TRN5020 when the server answers the commit with anything but COMMIT */
  transaction<T>(work: (session: Session) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Waits for sessions that are lent and closes all. */
  end(): Promise<void>;
}

/** A session is used again only when it is outside a transaction. */
function isIdle(client: pg.PoolClient): boolean {
  const { getTransactionStatus } = client as unknown as { getTransactionStatus(): string | null };
  return getTransactionStatus.call(client) === 'I';
}

/** Opens no connection yet: the first query does, and throws TRN2001, TRN2002 or TRN2003. */
export function openPool(options: PoolOptions): Pool {
  const config = {
    ...clientConfig(options),
    max: options.connectionsMax ?? CONNECTIONS_MAX,
    idleTimeoutMillis: IDLE_MS_MAX,
    onConnect: liftLaterLimits,
  };
  const pool = new pg.Pool(config);
  // An idle connection that dies is replaced at the next use; it must not end the process.
  pool.on('error', () => undefined);

  const borrow = async (): Promise<pg.PoolClient> => {
    try {
      return await pool.connect();
    } catch (thrown) {
      throw connectionError(options.endpoint, thrown);
    }
  };

  const withClient = async <T>(work: (session: Session) => Promise<T>): Promise<T> => {
    const client = await borrow();
    // While lent the pool does not listen; a connection that dies then fails the query in flight.
    const ignore = (): void => undefined;
    client.on('error', ignore);
    try {
      return await work(client);
    } finally {
      client.off('error', ignore);
      client.release(!isIdle(client));
    }
  };

  return {
    query: (text, values = []) => withClient((session) => session.query(text, [...values])),
    withClient,
    transaction: (work, transaction) =>
      withClient((session) => inTransaction(session, work, transaction)),
    end: () => pool.end(),
  };
}
