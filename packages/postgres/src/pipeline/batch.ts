import { assert } from '@turnout/core/assert';
import { deferred } from '@turnout/core/waiting';
import type pg from 'pg';
import type { Session } from '../session.js';
import { PreparedStatements } from './prepared-statements.js';

/** Statements a session keeps prepared at most; each costs memory of the server's process. */
const PREPARED_MAX = 1_024;

/** Values travel as text. A statement with a name is parsed once per session, '' each time. */
export interface BatchStatement {
  readonly name?: string | undefined;
  readonly text: string;
  readonly values: readonly (string | null)[];
}

export interface StatementResult {
  /** Tag without counts: `INSERT`, `COMMIT`; a failed transaction answers COMMIT with `ROLLBACK`. */
  readonly command: string;
  /** Rows affected or returned; null where the server counts none. */
  readonly rowCount: number | null;
  readonly rows: readonly Readonly<Record<string, string | null>>[];
}

/** What `pg` does not type of its connection: the messages of the extended protocol. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(message: { name: string; text: string; types: readonly number[] }): void;
  bind(message: { statement: string; values: readonly (string | null)[] }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: { rows: number }): void;
  close(message: { type: 'S'; name: string }): void;
  sync(): void;
  sendCopyFail(reason: string): void;
}

/** Kept by session, so that the names die with it. */
const PREPARED = new WeakMap<Session, PreparedStatements>();

/** `INSERT 0 5`, `UPDATE 3`, `COMMIT`: words, then numbers of which the last counts. */
function parseTag(text: string): { command: string; rowCount: number | null } {
  const [command = text, count] = text
    .split(/ (?=\d)/)
    .filter((_, index, all) => index === 0 || index === all.length - 1);
  return { command, rowCount: count === undefined ? null : Number(count) };
}

const FAILED_AT = new WeakMap<object, number>();

/** Index of the statement that an error of `executeBatch` belongs to; null for other errors. */
export function failedStatement(thrown: unknown): number | null {
  return typeof thrown === 'object' && thrown !== null ? (FAILED_AT.get(thrown) ?? null) : null;
}

/**
 * N times Parse (where needed), Bind, Execute and one Sync: a query object as `pg` takes them. It
 * is submitted when the one before it has been answered, so what it knows about prepared statements
 * then is what the server knows.
 */
class Batch implements pg.Submittable {
  readonly #statements: readonly BatchStatement[];
  readonly #prepared: PreparedStatements;
  readonly #outcome = deferred<StatementResult[]>();
  readonly #results: StatementResult[] = [];
  #rows: Record<string, string | null>[] = [];
  #columns: readonly string[] | null = null;

  constructor(statements: readonly BatchStatement[], prepared: PreparedStatements) {
    this.#statements = statements;
    this.#prepared = prepared;
  }

  get outcome(): Promise<StatementResult[]> {
    return this.#outcome.promise;
  }

  submit(connection: unknown): void {
    const wire = connection as Wire;
    // One write for all: without it every message would be a packet of its own.
    wire.stream.cork();
    try {
      for (const { name = '', text, values } of this.#statements) {
        const { close, parse } = this.#prepared.prepare(name, text);
        for (const gone of close) wire.close({ type: 'S', name: gone });
        if (parse) wire.parse({ name, text, types: [] });
        wire.bind({ statement: name, values });
        if (parse) wire.describe({ type: 'P', name: '' });
        wire.execute({ rows: 0 });
      }
      wire.sync();
    } finally {
      wire.stream.uncork();
    }
  }

  get #name(): string {
    return this.#statements[this.#results.length]?.name ?? '';
  }

  handleRowDescription({ fields }: { fields: readonly { name: string }[] }): void {
    this.#columns = fields.map(({ name }) => name);
    this.#prepared.describe(this.#name, this.#columns);
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    this.#columns ??= this.#prepared.columnsOf(this.#name) ?? [];
    const columns = this.#columns;
    this.#rows.push(
      Object.fromEntries(fields.map((value, index) => [columns[index] ?? `column${index}`, value])),
    );
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#finish(parseTag(text));
  }

  handleEmptyQuery(): void {
    this.#finish({ command: '', rowCount: null });
  }

  handlePortalSuspended(): void {
    assert(false, 'a batch fetches all rows at once');
  }

  handleCopyInResponse(connection: unknown): void {
    (connection as Wire).sendCopyFail('COPY has no place in a batch');
  }

  handleCopyData(): void {
    // The rows of a COPY TO are dropped; its tag says that it was one.
  }

  #finish({ command, rowCount }: { command: string; rowCount: number | null }): void {
    this.#results.push({ command, rowCount, rows: this.#rows });
    this.#rows = [];
    this.#columns = null;
  }

  handleError(error: Error): void {
    const failed = this.#results.length;
    for (const { name = '' } of this.#statements.slice(failed)) this.#prepared.forget(name);
    FAILED_AT.set(error, Math.min(failed, this.#statements.length - 1));
    this.#outcome.reject(error);
  }

  /** Only here is it certain that nothing failed: a deferred constraint speaks up at the Sync. */
  handleReadyForQuery(): void {
    this.#outcome.resolve(this.#results);
  }
}

/**
 * Sends all statements in one round trip and answers one result each. Without `begin` among them
 * they are one implicit transaction. The first error rejects; the server skips what follows it, a
 * `commit` among it: send `rollback` then. A batch may be sent while another is in flight; it waits.
 */
export async function executeBatch(
  session: Session,
  statements: readonly BatchStatement[],
): Promise<StatementResult[]> {
  if (statements.length === 0) return [];
  let prepared = PREPARED.get(session);
  if (!prepared) {
    prepared = new PreparedStatements(PREPARED_MAX);
    PREPARED.set(session, prepared);
  }
  const batch = new Batch(statements, prepared);
  session.query(batch);
  return batch.outcome;
}
