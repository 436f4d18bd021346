import type { Direction, Side } from '@turnout/core/sides';
import type { Statement } from '@turnout/postgres/sql/statement';

/** Marker and progress in one snapshot: a marker seen here was applied with this progress. */
export function readDrainProof(from: Side, link: Direction): Statement {
  return {
    text: /* sql */ `
      select m.token, p.source_lsn, p.end_lsn, p.user_lsn, p.open, p.switch_epoch
      from turnout.progress p
      left join turnout.marker m on m.side = $1 and m.kind = 'drain'
      where p.link = $2 and p.worker = 'apply'`,
    values: [from, link],
  };
}

/** As above, with the progress row locked: later groups wait until prepare commits or goes back. */
export function lockDrainProof(from: Side, link: Direction): Statement {
  return {
    text: /* sql */ `
      select (select token from turnout.marker where side = $1 and kind = 'drain') as token,
             p.source_lsn, p.end_lsn, p.user_lsn, p.open, p.switch_epoch
      from turnout.progress p
      where p.link = $2 and p.worker = 'apply' for update of p`,
    values: [from, link],
  };
}

/**
 * Closes the old link in its progress row. This is the first and only published change of C2, which
 * is how the new link recognises C2 in its stream and opens itself.
 */
export function closeLink(
  link: Direction,
  switchEpoch: bigint,
  sourceLsn: string,
  userLsn: string | null,
): Statement {
  return {
    text: /* sql */ `
      update turnout.progress set open = false, switch_epoch = $2::bigint
      where link = $1 and worker = 'apply' and open
        and source_lsn = $3::pg_lsn and user_lsn is not distinct from $4::pg_lsn
      returning 1`,
    values: [link, String(switchEpoch), sourceLsn, userLsn],
  };
}

/** Sessions that wait for the turnstile with a lock that also stops readers of a table (TRUNCATE). */
export const queuedBlockers: Statement = {
  text: /* sql */ `
    select distinct w.pid
    from pg_locks w
    join pg_locks h on h.pid = w.pid and h.granted and h.locktype = 'relation'
      and h.database = w.database and h.relation >= 16384
      and h.mode in ('ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock', 'ShareLock')
    where w.relation = 'turnout.turnstile'::regclass and not w.granted`,
  values: [],
};

export function readLinkOpen(link: Direction): Statement {
  return {
    text: /* sql */ `select open from turnout.progress where link = $1 and worker = 'apply'`,
    values: [link],
  };
}

export function cancelBackend(pid: string): Statement {
  return { text: /* sql */ `select pg_cancel_backend($1::int)`, values: [pid] };
}

/** Closes a link whose source is gone, whatever it applied; the side that opens is its target. */
export function closeLinkInto(link: Direction, switchEpoch: bigint): Statement {
  return {
    text: /* sql */ `
      update turnout.progress set open = false, switch_epoch = $2::bigint
      where link = $1 and worker = 'apply' and open returning 1`,
    values: [link, String(switchEpoch)],
  };
}
