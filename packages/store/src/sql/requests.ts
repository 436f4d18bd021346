import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

const COLUMNS = 'id, pair, kind, params, actor, requested_at, taken_at, outcome, code, facts';

export type RequestColumns = TextRow<
  'id' | 'pair' | 'kind' | 'params' | 'actor' | 'requested_at' | 'outcome',
  'taken_at' | 'code' | 'facts'
>;

export function insertRequest(row: {
  readonly id: string;
  readonly pair: string;
  readonly kind: string;
  readonly params: string;
  readonly actor: string;
}): NamedStatement {
  return {
    name: 'store_requests_insert',
    text: /* sql */ `
      insert into turnout_control.request (id, pair, kind, params, actor)
      values ($1, $2, $3, $4::jsonb, $5) returning ${COLUMNS}`,
    values: [row.id, row.pair, row.kind, row.params, row.actor],
  };
}

/** The oldest that nobody took; a request is done once or not at all, so taking it is final. */
export function takeRequest(pair: string, withinMs: number): NamedStatement {
  return {
    name: 'store_requests_take',
    text: /* sql */ `
      update turnout_control.request set taken_at = clock_timestamp()
       where id = (
         select id from turnout_control.request
          where pair = $1 and outcome = 'pending' and taken_at is null
            and requested_at > clock_timestamp() - $2 * interval '1 millisecond'
          order by id limit 1 for update skip locked)
      returning ${COLUMNS}`,
    values: [pair, withinMs],
  };
}

export function finishRequest(
  id: string,
  outcome: 'done' | 'refused',
  code: string | null,
  facts: string | null,
): NamedStatement {
  return {
    name: 'store_requests_finish',
    text: /* sql */ `
      update turnout_control.request
         set outcome = $2, code = $3, facts = $4::jsonb, finished_at = clock_timestamp()
       where id = $1 and outcome = 'pending' returning id`,
    values: [id, outcome, code, facts],
  };
}

export function readRequest(id: string): NamedStatement {
  return {
    name: 'store_requests_read',
    text: /* sql */ `select ${COLUMNS} from turnout_control.request where id = $1`,
    values: [id],
  };
}
