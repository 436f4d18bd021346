import type { Direction } from '@turnout/core/sides';
import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

const COLUMNS = 'pair, direction, desired, generation, observed, observed_at';

export type LinkColumns = TextRow<
  'pair' | 'direction' | 'desired' | 'generation',
  'observed' | 'observed_at'
>;

export function insertLink(pair: string, direction: Direction): NamedStatement {
  return {
    name: 'store_links_insert',
    text: /* sql */ `
      insert into turnout_control.link (pair, direction) values ($1, $2) on conflict do nothing`,
    values: [pair, direction],
  };
}

export function readLink(pair: string, direction: Direction): NamedStatement {
  return {
    name: 'store_links_read',
    text: /* sql */ `
      select ${COLUMNS} from turnout_control.link where pair = $1 and direction = $2`,
    values: [pair, direction],
  };
}

export function readLinks(pair: string): NamedStatement {
  return {
    name: 'store_links_list',
    text: /* sql */ `
      select ${COLUMNS} from turnout_control.link where pair = $1 order by direction`,
    values: [pair],
  };
}

/**
 * A wish anew raises the generation, also when it is the same one: that is how a link which failed is
 * asked to try again. Wishes are derived from the sides and repeated, so none has to be fenced.
 */
export function desireLink(pair: string, direction: Direction, desired: string): NamedStatement {
  return {
    name: 'store_links_desire',
    text: /* sql */ `
      insert into turnout_control.link as l (pair, direction, desired, generation)
      values ($1, $2, $3, 1)
      on conflict (pair, direction) do update
         set desired = excluded.desired, generation = l.generation + 1
      returning ${COLUMNS}`,
    values: [pair, direction, desired],
  };
}

export function observeLink(pair: string, direction: Direction, observed: string): NamedStatement {
  return {
    name: 'store_links_observe',
    text: /* sql */ `
      insert into turnout_control.link (pair, direction, observed, observed_at)
      values ($1, $2, $3::jsonb, clock_timestamp())
      on conflict (pair, direction) do update
         set observed = excluded.observed, observed_at = excluded.observed_at`,
    values: [pair, direction, observed],
  };
}
