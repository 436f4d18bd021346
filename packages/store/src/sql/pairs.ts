import type { Side } from '@turnout/core/sides';
import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

const COLUMNS = 'pair, phase, conditions, writable_side, revision, updated_at';

export type PairColumns = TextRow<
  'pair' | 'phase' | 'conditions' | 'writable_side' | 'revision' | 'updated_at'
>;

export function insertPair(pair: string): NamedStatement {
  return {
    name: 'store_pairs_insert',
    text: /* sql */ `insert into turnout_control.pair (pair) values ($1) on conflict do nothing`,
    values: [pair],
  };
}

export function readPair(pair: string): NamedStatement {
  return {
    name: 'store_pairs_read',
    text: /* sql */ `select ${COLUMNS} from turnout_control.pair where pair = $1`,
    values: [pair],
  };
}

export function readPairs(): NamedStatement {
  return {
    name: 'store_pairs_list',
    text: /* sql */ `select ${COLUMNS} from turnout_control.pair order by pair`,
    values: [],
  };
}

/** Whoever holds this lock is the only one who may take the next revision. */
export function lockPair(pair: string): NamedStatement {
  return {
    name: 'store_pairs_lock',
    text: /* sql */ `select ${COLUMNS} from turnout_control.pair where pair = $1 for update`,
    values: [pair],
  };
}

export interface PairChange {
  readonly phase: string | null;
  readonly writableSide: Side | null;
  /** JSON text. */
  readonly conditions: string | null;
}

export function advancePair(pair: string, change: PairChange): NamedStatement {
  return {
    name: 'store_pairs_advance',
    text: /* sql */ `
      update turnout_control.pair
         set revision = revision + 1,
             phase = coalesce($2, phase),
             writable_side = coalesce($3, writable_side),
             conditions = coalesce($4::jsonb, conditions),
             updated_at = clock_timestamp()
       where pair = $1
      returning ${COLUMNS}`,
    values: [pair, change.phase, change.writableSide, change.conditions],
  };
}
