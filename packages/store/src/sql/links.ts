import type { Direction } from '@turnout/core/sides';
import type { Statement, TextRow } from './statement.js';

const COLUMNS = 'pair, direction, desired, epoch, observed, observed_at';

export type LinkColumns = TextRow<
  'pair' | 'direction' | 'desired' | 'epoch',
  'observed' | 'observed_at'
>;

export function insertLink(pair: string, direction: Direction): Statement {
  return {
    name: 'store_links_insert',
    text: /* sql */ `
      insert into turnout_control.link (pair, direction) values ($1, $2) on conflict do nothing`,
    values: [pair, direction],
  };
}

export function readLink(pair: string, direction: Direction): Statement {
  return {
    name: 'store_links_read',
    text: /* sql */ `
      select ${COLUMNS} from turnout_control.link where pair = $1 and direction = $2`,
    values: [pair, direction],
  };
}

export function readLinks(pair: string): Statement {
  return {
    name: 'store_links_list',
    text: /* sql */ `
      select ${COLUMNS} from turnout_control.link where pair = $1 order by direction`,
    values: [pair],
  };
}

/** A lower epoch is a coordinator that no longer may decide: it changes nothing. */
export function desireLink(
  pair: string,
  direction: Direction,
  desired: string,
  epoch: bigint,
): Statement {
  return {
    name: 'store_links_desire',
    text: /* sql */ `
      insert into turnout_control.link as l (pair, direction, desired, epoch)
      values ($1, $2, $3, $4)
      on conflict (pair, direction) do update
         set desired = excluded.desired, epoch = excluded.epoch
       where l.epoch <= excluded.epoch
      returning ${COLUMNS}`,
    values: [pair, direction, desired, String(epoch)],
  };
}

export function observeLink(pair: string, direction: Direction, observed: string): Statement {
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
