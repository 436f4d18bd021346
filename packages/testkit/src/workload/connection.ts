import { createPool } from '@turnout/pool/pool';
import { Pool, type ClientBase } from 'pg';

/** How writers reach the database: with the client of Turnout, or unaware of it through a pooler. */
export type Route =
  | {
      readonly kind: 'pool';
      readonly pair: string;
      readonly blue: string;
      readonly green: string;
      readonly redis?: string | undefined;
    }
  | { readonly kind: 'pgbouncer'; readonly url: string };

export interface Connection {
  /** Runs `fn` in one transaction; resolves only when its commit was acknowledged. */
  transaction<T>(fn: (client: ClientBase) => Promise<T>): Promise<T>;
  /** True when the transaction that failed with `thrown` may have been committed all the same. */
  isOutcomeUnknown(thrown: unknown): boolean;
  end(): Promise<void>;
}

export function openConnection(route: Route, max: number): Connection {
  return route.kind === 'pool' ? throughTurnout(route, max) : throughPooler(route.url, max);
}

function throughTurnout(
  { pair, blue, green, redis }: Extract<Route, { kind: 'pool' }>,
  max: number,
): Connection {
  const watched = redis === undefined ? undefined : { redis };
  const pool = createPool({ pair, blue, green, route: watched, poolConfig: { max } });
  pool.on('error', () => undefined);
  return {
    transaction: (fn) => pool.transaction(fn),
    isOutcomeUnknown: (thrown) => thrown instanceof Error && thrown.name === 'OutcomeUnknownError',
    end: () => pool.end(),
  };
}

/** The answer to COMMIT was lost. */
class CommitLostError extends Error {
  readonly code: string;
  constructor(cause: unknown) {
    super('the answer to COMMIT was lost', { cause });
    this.code = `COMMIT_LOST/${String((cause as { code?: unknown }).code)}`;
  }
}

function throughPooler(url: string, max: number): Connection {
  const pool = new Pool({ connectionString: url, max });
  pool.on('error', () => undefined);
  return {
    async transaction(fn) {
      const client = await pool.connect();
      const ignore = (): void => undefined;
      client.on('error', ignore);
      let broken = true;
      try {
        await client.query('begin');
        const value = await fn(client);
        const tag = await client.query('commit').catch((thrown: unknown) => {
          throw new CommitLostError(thrown);
        });
        broken = false;
        if (tag.command !== 'COMMIT') throw new Error('COMMIT answered ROLLBACK');
        return value;
      } finally {
        client.off('error', ignore);
        client.release(broken);
      }
    },
    isOutcomeUnknown: (thrown) => thrown instanceof CommitLostError,
    end: () => pool.end(),
  };
}
