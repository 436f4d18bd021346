import type { Facts } from '@turnout/core/app-error';
import { json, jsonOrNull } from './column-values.js';
import type { Database } from './database.js';
import { sortableId } from './sortable-id.js';
import * as sql from './sql/requests.js';

/** What a person may ask of the leader of a pair, beside a switchover and a phase. */
export const REQUEST_KINDS = ['adopt', 'force_open', 'link_retry', 'settle', 'cleanup'] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

export interface RequestRow {
  readonly id: string;
  readonly pair: string;
  readonly kind: RequestKind;
  readonly params: Readonly<Record<string, unknown>>;
  readonly actor: string;
  readonly outcome: 'pending' | 'done' | 'refused';
  /** Code of the refusal and what was found; null unless refused. */
  readonly code: string | null;
  readonly facts: Facts | null;
}

function requestRow(row: sql.RequestColumns): RequestRow {
  return {
    id: row.id,
    pair: row.pair,
    kind: row.kind as RequestKind,
    params: json<Record<string, unknown>>(row.params),
    actor: row.actor,
    outcome: row.outcome as RequestRow['outcome'],
    code: row.code,
    facts: jsonOrNull<Facts>(row.facts),
  };
}

/** Wishes of people, written by any API and taken up by whoever leads the pair. */
export class Requests {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async create(
    pair: string,
    request: { readonly kind: RequestKind; readonly actor: string; readonly params?: object },
  ): Promise<string> {
    const id = sortableId('req');
    const { kind, actor, params = {} } = request;
    await this.#database.rows(
      sql.insertRequest({ id, pair, kind, actor, params: JSON.stringify(params) }),
    );
    return id;
  }

  /** The oldest one not older than `withinMs`, now the caller's to finish; null when there is none. */
  async take(pair: string, withinMs: number): Promise<RequestRow | null> {
    const row = await this.#database.row<sql.RequestColumns>(sql.takeRequest(pair, withinMs));
    return row && requestRow(row);
  }

  async finish(
    id: string,
    refusal: { readonly code: string; readonly facts: Facts } | null,
  ): Promise<void> {
    const facts = refusal && JSON.stringify(refusal.facts);
    const outcome = refusal ? 'refused' : 'done';
    await this.#database.rows(sql.finishRequest(id, outcome, refusal?.code ?? null, facts));
  }

  async get(id: string): Promise<RequestRow | null> {
    const row = await this.#database.row<sql.RequestColumns>(sql.readRequest(id));
    return row && requestRow(row);
  }
}
