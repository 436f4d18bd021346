import { formatLsn, type Lsn } from '@turnout/core/lsn';
import type { Direction } from '@turnout/core/sides';
import type { BuiltStatement } from './statement.js';

export function readPosition(link: Direction): BuiltStatement {
  return {
    text: /* sql */ `select acked_lsn from turnout.position where link = $1::text`,
    values: [link],
  };
}

/**
 * Persists what may be acknowledged, only while the progress row is as remembered. The row lock is
 * not decoded, so the opposite reader is not woken; without it a zombie's write would skip rows.
 */
export function writePosition(options: {
  link: Direction;
  leaseEpoch: bigint;
  source: Lsn;
  flushed: Lsn;
}): BuiltStatement {
  const { link, leaseEpoch, source, flushed } = options;
  return {
    text: /* sql */ `
      with held as (
        select 1 from turnout.progress
         where link = $1::text and worker = 'apply' and lease_epoch = $2::bigint and source_lsn = $3::pg_lsn
           for update)
      update turnout.position set acked_lsn = greatest(acked_lsn, $4::pg_lsn)
       where link = $1::text and exists (select from held)
      returning acked_lsn`,
    values: [link, String(leaseEpoch), formatLsn(source), formatLsn(flushed)],
  };
}
