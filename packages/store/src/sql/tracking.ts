import type { Side } from '@turnout/core/sides';
import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

const COLUMNS = 'pair, side, desired, observed, observed_at';

export type TrackingColumns = TextRow<'pair' | 'side' | 'desired', 'observed' | 'observed_at'>;

export function desireTracking(pair: string, side: Side, desired: 'off' | 'on'): NamedStatement {
  return {
    name: 'store_tracking_desire',
    text: /* sql */ `
      insert into turnout_control.tracking (pair, side, desired) values ($1, $2, $3)
      on conflict (pair, side) do update set desired = excluded.desired`,
    values: [pair, side, desired],
  };
}

export function readTracking(pair: string, side: Side): NamedStatement {
  return {
    name: 'store_tracking_read',
    text: /* sql */ `
      select ${COLUMNS} from turnout_control.tracking where pair = $1 and side = $2`,
    values: [pair, side],
  };
}

export function listTracking(): NamedStatement {
  return {
    name: 'store_tracking_list',
    text: /* sql */ `select ${COLUMNS} from turnout_control.tracking order by pair, side`,
    values: [],
  };
}

export function observeTracking(pair: string, side: Side, observed: string): NamedStatement {
  return {
    name: 'store_tracking_observe',
    text: /* sql */ `
      insert into turnout_control.tracking (pair, side, observed, observed_at)
      values ($1, $2, $3::jsonb, clock_timestamp())
      on conflict (pair, side) do update
         set observed = excluded.observed, observed_at = excluded.observed_at`,
    values: [pair, side, observed],
  };
}
