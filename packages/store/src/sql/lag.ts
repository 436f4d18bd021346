import type { Direction } from '@turnout/core/sides';
import type { NamedStatement, TextRow } from '@turnout/postgres/sql/statement';

export type LagColumns = TextRow<'measured_at' | 'source', 'lag_bytes' | 'lag_ms'>;

/** Inserts a sample and drops those that are older than ten minutes: the table stays bounded. */
export function insertSample(
  pair: string,
  direction: Direction,
  sample: {
    measuredAt: string;
    lagBytes: number | null;
    lagMs: number | null;
    source: 'bus' | 'sql';
  },
): NamedStatement {
  return {
    name: 'store_lag_insert',
    text: /* sql */ `
      with dropped as (
        delete from turnout_control.lag_sample
         where pair = $1 and direction = $2
           and measured_at < $3::timestamptz - interval '10 minutes'
      )
      insert into turnout_control.lag_sample
        (pair, direction, measured_at, lag_bytes, lag_ms, source)
      values ($1, $2, $3::timestamptz, $4, $5, $6)
      on conflict (pair, direction, measured_at) do nothing`,
    values: [pair, direction, sample.measuredAt, sample.lagBytes, sample.lagMs, sample.source],
  };
}

/** Newest first. */
export function readSamples(pair: string, direction: Direction, limit: number): NamedStatement {
  return {
    name: 'store_lag_read',
    text: /* sql */ `
      select measured_at, lag_bytes, lag_ms, source
        from turnout_control.lag_sample
       where pair = $1 and direction = $2
       order by measured_at desc
       limit $3`,
    values: [pair, direction, limit],
  };
}
