import { formatLsn, type Lsn } from '@turnout/core/lsn';
import type { Direction } from '@turnout/core/sides';
import type { BuiltStatement } from './statement.js';

/** Compare-and-set at the head of every applied transaction; raises TRN01 on the server. */
export function advance(options: {
  link: Direction;
  leaseEpoch: bigint;
  previous: Lsn;
  source: Lsn;
  end: Lsn;
  user: Lsn | null;
}): BuiltStatement {
  const { link, leaseEpoch, previous, source, end, user } = options;
  return {
    text: /* sql */ `select turnout.advance($1::text, $2::bigint, $3::pg_lsn, $4::pg_lsn, $5::pg_lsn, $6::pg_lsn)`,
    values: [
      link,
      String(leaseEpoch),
      formatLsn(previous),
      formatLsn(source),
      formatLsn(end),
      user === null ? null : formatLsn(user),
    ],
  };
}

/** End of a large transaction, in the target transaction that `advance` has opened. */
export function closeLarge(
  link: Direction,
  leaseEpoch: bigint,
  source: Lsn,
  end: Lsn,
): BuiltStatement {
  return {
    text: /* sql */ `
      with changed as (
        update turnout.progress set end_lsn = $4::pg_lsn
         where link = $1::text and worker = 'apply' and lease_epoch = $2::bigint and source_lsn = $3::pg_lsn
        returning 1)
      select turnout.expect('turnout.progress', 1, (select count(*) from changed))`,
    values: [link, String(leaseEpoch), formatLsn(source), formatLsn(end)],
  };
}

/** Takes the link: waits for a COMMIT of the predecessor, which a plain read would race. */
export function takeLink(link: Direction): BuiltStatement {
  return {
    text: /* sql */ `
      update turnout.progress set lease_epoch = lease_epoch + 1
       where link = $1::text and worker = 'apply'
      returning source_lsn, end_lsn, user_lsn, lease_epoch, switch_epoch, open`,
    values: [link],
  };
}

export function readProgress(link: Direction): BuiltStatement {
  return {
    text: /* sql */ `
      select source_lsn, end_lsn, user_lsn, lease_epoch, switch_epoch, open
        from turnout.progress where link = $1::text and worker = 'apply'`,
    values: [link],
  };
}

/**
 * Opens the own row at the hand-over signal. A signal read again after a restart is refused by
 * `switch_epoch` and `source_lsn`.
 */
export function openLink(options: {
  link: Direction;
  leaseEpoch: bigint;
  switchEpoch: bigint;
  previous: Lsn;
  source: Lsn;
  end: Lsn;
}): BuiltStatement {
  const { link, leaseEpoch, switchEpoch, previous, source, end } = options;
  return {
    text: /* sql */ `
      update turnout.progress
         set open = true, switch_epoch = $3::bigint, source_lsn = $5::pg_lsn, end_lsn = $6::pg_lsn
       where link = $1::text and worker = 'apply' and lease_epoch = $2::bigint and not open
         and switch_epoch < $3::bigint and source_lsn = $4::pg_lsn
      returning source_lsn, end_lsn, user_lsn, lease_epoch, switch_epoch, open`,
    values: [
      link,
      String(leaseEpoch),
      String(switchEpoch),
      formatLsn(previous),
      formatLsn(source),
      formatLsn(end),
    ],
  };
}
