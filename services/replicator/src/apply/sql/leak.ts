import { formatLsn, type Lsn } from '@turnout/core/lsn';
import type { Direction } from '@turnout/core/sides';
import { type BuiltStatement, textArray } from './statement.js';

/** Records a user transaction met by a closed link; read again after a restart it is the same row. */
export function recordLeak(options: {
  link: Direction;
  leaseEpoch: bigint;
  source: Lsn;
  finalLsn: Lsn;
  xid: number;
  committedAtUs: bigint;
  tables: readonly string[];
  changes: number;
}): BuiltStatement {
  const { link, leaseEpoch, source, finalLsn, xid, committedAtUs, tables, changes } = options;
  return {
    text: /* sql */ `
      with held as (
        select 1 from turnout.progress
         where link = $1::text and worker = 'apply' and lease_epoch = $2::bigint and source_lsn = $3::pg_lsn
           for update),
      found as (
        insert into turnout.leak (link, final_lsn, xid, committed_at, tables, changes)
        select $1::text, $4::pg_lsn, $5::bigint,
               'epoch'::timestamptz + $6::bigint * '1 microsecond'::interval, $7::text[], $8::bigint
         where exists (select from held)
           and not exists (select from turnout.leak l where l.link = $1::text and l.final_lsn = $4::pg_lsn))
      select count(*)::text as held from held`,
    values: [
      link,
      String(leaseEpoch),
      formatLsn(source),
      formatLsn(finalLsn),
      String(xid),
      String(committedAtUs),
      textArray(tables),
      String(changes),
    ],
  };
}
