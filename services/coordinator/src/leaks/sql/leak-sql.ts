import type { Statement } from '@turnout/postgres/sql/statement';

const COLUMNS = `link, final_lsn, xid, committed_at, array_to_json(tables) as tables, changes,
  found_at, resolved_at, resolution`;

export const countOpen: Statement = {
  text: /* sql */ `select count(*) as count from turnout.leak where resolved_at is null`,
  values: [],
};

/** Newest first; a side that leaks without end is not read to its end. */
export function listLeaks(all: boolean, limit: number): Statement {
  return {
    text: /* sql */ `
      select ${COLUMNS} from turnout.leak
      where $1::boolean or resolved_at is null
      order by found_at desc limit $2::int`,
    values: [String(all), String(limit)],
  };
}

export function readLeak(link: string, finalLsn: string): Statement {
  return {
    text: /* sql */ `
      select ${COLUMNS} from turnout.leak where link = $1 and final_lsn = $2::pg_lsn`,
    values: [link, finalLsn],
  };
}

/** The first word counts: a leak that was resolved keeps who said so, and why. */
export function resolveLeak(link: string, finalLsn: string, resolution: string): Statement {
  return {
    text: /* sql */ `
      update turnout.leak
         set resolved_at = coalesce(resolved_at, clock_timestamp()),
             resolution = coalesce(resolution, $3)
       where link = $1 and final_lsn = $2::pg_lsn
      returning ${COLUMNS}`,
    values: [link, finalLsn, resolution],
  };
}
