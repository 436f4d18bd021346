import { deferred, type Deferred } from '@turnout/core/waiting';
import { formatLsn, LSN_ZERO, lsn, type Lsn } from '@turnout/core/lsn';
import { quoteIdent, quoteTable } from '@turnout/postgres/identifiers';
import { ensurePublication } from '@turnout/postgres/publications';
import { openSession, type Endpoint, type Session } from '@turnout/postgres/session';
import { createSlot } from '@turnout/postgres/slots';
import type { ChangeStream } from '@turnout/postgres/stream/change-stream';
import { openStream } from '@turnout/postgres/stream/open-stream';
import {
  UNCHANGED,
  type Begin,
  type Change,
  type Commit,
  type Relation,
  type Row,
} from '@turnout/postgres/pgoutput/messages';

interface Item {
  readonly begin: Begin;
  readonly changes: Change[];
  readonly commit: Commit;
}

const SLOT = 'turnout_shop_forward';

/**
 * Applies one source transaction after the other, row by row, with the progress row in the same
 * transaction. Slow and plain on purpose: what the checker is tested against must be beyond doubt.
 */
export class SimpleApplier {
  appliedLsn: Lsn = LSN_ZERO;
  #queue: Item[] = [];
  #open: { begin: Begin; changes: Change[] } | null = null;
  #work: Promise<void> = Promise.resolve();
  #gate: Deferred<void> | null = null;
  #stream: ChangeStream | null = null;
  readonly #session: Session;

  private constructor(session: Session) {
    this.#session = session;
  }

  static async start(
    source: Endpoint,
    target: Endpoint,
    tables: { schema: string; name: string }[],
  ): Promise<SimpleApplier> {
    const applicationName = 'turnout/1/replicator/shop';
    const admin = await openSession({ endpoint: source, applicationName });
    const published = [...tables, { schema: 'turnout', name: 'marker' }];
    await ensurePublication(admin, SLOT, published, { viaRoot: false });
    await admin.end();
    const slot = await createSlot({
      endpoint: source,
      name: SLOT,
      exportSnapshot: false,
      lockTimeoutMs: 10_000,
      applicationName,
    });
    await slot.release();
    const session = await openSession({
      endpoint: target,
      applicationName,
      settings: { session_replication_role: 'replica' },
    });
    const seed = formatLsn(lsn(slot.consistentLsn - 1n));
    await session.query(
      `insert into turnout.progress (link, worker, source_lsn, end_lsn, open)
       values ('forward', 'apply', $1, $2, true)`,
      [seed, formatLsn(slot.consistentLsn)],
    );
    const applier = new SimpleApplier(session);
    applier.#stream = await openStream({
      endpoint: source,
      slot: SLOT,
      publication: SLOT,
      startLsn: slot.consistentLsn,
      applicationName,
      onKeepalive: () => undefined,
      onMessage: (message) => {
        if (message.kind === 'begin') applier.#open = { begin: message, changes: [] };
        else if (message.kind !== 'commit') applier.#open!.changes.push(message);
        else {
          applier.#queue.push({ ...applier.#open!, commit: message });
          applier.#work = applier.#work.then(() => applier.#applyNext());
          applier.#work.catch((thrown: unknown) =>
            process.stderr.write(`applier: ${String(thrown)}\n`),
          );
        }
      },
    });
    return applier;
  }

  /** Transactions received and not yet applied. */
  get backlog(): number {
    return this.#queue.length;
  }

  /** Holds back everything not yet applied until `resume`. */
  pause(): void {
    this.#gate ??= deferred();
  }

  resume(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  async close(): Promise<void> {
    this.resume();
    await this.#stream?.close();
    await this.#work;
    await this.#session.end();
  }

  async #applyNext(): Promise<void> {
    await this.#gate?.promise;
    const { begin, changes, commit } = this.#queue.shift()!;
    await this.#session.query('begin');
    await this.#session.query(
      `update turnout.progress set source_lsn = $1, end_lsn = $2
       where link = 'forward' and worker = 'apply'`,
      [formatLsn(begin.finalLsn), formatLsn(commit.endLsn)],
    );
    for (const change of changes) await this.#apply(change);
    await this.#session.query('commit');
    this.appliedLsn = begin.finalLsn;
    this.#stream?.acknowledge(commit.endLsn);
  }

  async #apply(change: Change): Promise<void> {
    if (change.kind === 'truncate') {
      const tables = change.relations.map((relation) => quoteTable(relation));
      await this.#session.query(`truncate ${tables.join(', ')}`);
      return;
    }
    const { relation } = change;
    const name = quoteTable(relation);
    if (change.kind === 'insert') {
      const columns = relation.columns.map((column) => quoteIdent(column.name));
      const places = columns.map((_, at) => `$${at + 1}`);
      await this.#session.query(
        `insert into ${name} (${columns.join(', ')}) overriding system value
         values (${places.join(', ')})`,
        [...change.row],
      );
      return;
    }
    const values: unknown[] = [];
    const sets =
      change.kind === 'update'
        ? relation.columns.flatMap((column, at) => {
            const cell = change.row[at];
            if (cell === UNCHANGED) return [];
            values.push(cell);
            return [`${quoteIdent(column.name)} = $${values.length}`];
          })
        : [];
    const old = change.old?.row ?? (change.kind === 'update' ? change.row : []);
    const where = this.#where(relation, old, values);
    const action =
      change.kind === 'delete' ? `delete from ${name}` : `update ${name} set ${sets.join(', ')}`;
    await this.#session.query(
      `${action} where ctid = (select ctid from ${name} where ${where} limit 1)`,
      values,
    );
  }

  #where(relation: Relation, row: Row, values: unknown[]): string {
    return relation.columns
      .flatMap((column, at) => {
        if (!column.key) return [];
        values.push(row[at]);
        return [`${quoteIdent(column.name)} is not distinct from $${values.length}`];
      })
      .join(' and ');
  }
}
