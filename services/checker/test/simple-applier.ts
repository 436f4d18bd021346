import { deferred, type Deferred } from '@turnout/core/waiting';
import { formatLsn, LSN_ZERO, lsn, parseLsn, type Lsn } from '@turnout/core/lsn';
import { isConnectionLost } from '@turnout/postgres/database-error';
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
const APPLICATION = 'turnout/1/replicator/shop';

function openTarget(endpoint: Endpoint): Promise<Session> {
  const settings = { session_replication_role: 'replica' };
  return openSession({ endpoint, applicationName: APPLICATION, settings });
}

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
  #session: Session;
  readonly #source: Endpoint;
  readonly #target: Endpoint;

  private constructor(session: Session, source: Endpoint, target: Endpoint) {
    this.#session = session;
    this.#source = source;
    this.#target = target;
  }

  static async start(
    source: Endpoint,
    target: Endpoint,
    tables: { schema: string; name: string }[],
  ): Promise<SimpleApplier> {
    const admin = await openSession({ endpoint: source, applicationName: APPLICATION });
    const published = [...tables, { schema: 'turnout', name: 'marker' }];
    await ensurePublication(admin, SLOT, published, { viaRoot: false });
    await admin.end();
    const slot = await createSlot({
      endpoint: source,
      name: SLOT,
      exportSnapshot: false,
      lockTimeoutMs: 10_000,
      applicationName: APPLICATION,
    });
    await slot.release();
    const session = await openTarget(target);
    const seed = formatLsn(lsn(slot.consistentLsn - 1n));
    await session.query(
      `insert into turnout.progress (link, worker, source_lsn, end_lsn, open)
       values ('forward', 'apply', $1, $2, true)`,
      [seed, formatLsn(slot.consistentLsn)],
    );
    const applier = new SimpleApplier(session, source, target);
    await applier.#follow(slot.consistentLsn);
    return applier;
  }

  /** Goes on from the target's progress row after a server went away. */
  async reconnect(): Promise<void> {
    await this.#stream?.close();
    await this.#work.catch(() => undefined);
    await this.#session.end().catch(() => undefined);
    this.#queue = [];
    this.#open = null;
    this.#work = Promise.resolve();
    this.#session = await openTarget(this.#target);
    const { rows } = await this.#session.query<{ end: string }>(
      `select end_lsn as end from turnout.progress where link = 'forward' and worker = 'apply'`,
    );
    await this.#follow(parseLsn(rows[0]!.end));
  }

  async #follow(startLsn: Lsn): Promise<void> {
    this.#stream = await openStream({
      endpoint: this.#source,
      slot: SLOT,
      publication: SLOT,
      startLsn,
      applicationName: APPLICATION,
      onKeepalive: () => undefined,
      onMessage: (message) => {
        if (message.kind === 'begin') this.#open = { begin: message, changes: [] };
        else if (message.kind !== 'commit') this.#open!.changes.push(message);
        else {
          this.#queue.push({ ...this.#open!, commit: message });
          this.#work = this.#work.then(() => this.#applyNext());
          this.#work.catch((thrown: unknown) => {
            if (!isConnectionLost(thrown)) process.stderr.write(`applier: ${String(thrown)}\n`);
          });
        }
      },
    });
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
