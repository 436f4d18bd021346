import { formatLsn, lsn, type Lsn } from '@turnout/core/lsn';
import type { Direction } from '@turnout/core/sides';
import type { BuiltStatement } from '../../apply/sql/statement.js';

/**
 * Seeds the progress row of a link whose slot is new. The lease epoch stays: a predecessor that is
 * still alive must not be let in again. `pg_lsn` arithmetic is 14+, so the client subtracts.
 */
export function seedProgress(link: Direction, consistentLsn: Lsn, open: boolean): BuiltStatement {
  return {
    text: /* sql */ `
      insert into turnout.progress (link, worker, source_lsn, end_lsn, open)
      values ($1::text, 'apply', $2::pg_lsn, $3::pg_lsn, $4::boolean)
      on conflict (link, worker) do update
        set source_lsn = excluded.source_lsn, end_lsn = excluded.end_lsn, user_lsn = null, open = excluded.open`,
    values: [link, formatLsn(lsn(consistentLsn - 1n)), formatLsn(consistentLsn), String(open)],
  };
}

export function seedPosition(link: Direction, consistentLsn: Lsn): BuiltStatement {
  return {
    text: /* sql */ `
      insert into turnout.position (link, acked_lsn) values ($1::text, $2::pg_lsn)
      on conflict (link) do update set acked_lsn = excluded.acked_lsn`,
    values: [link, formatLsn(consistentLsn)],
  };
}

export interface SlotIdentity {
  readonly name: string;
  readonly consistentLsn: Lsn;
  readonly systemIdentifier: string;
  readonly timeline: string;
}

export function seedSlot(identity: SlotIdentity): BuiltStatement {
  const { name, consistentLsn, systemIdentifier, timeline } = identity;
  return {
    text: /* sql */ `
      insert into turnout.slot (name, plugin, consistent_lsn, system_identifier, timeline)
      values ($1::text, 'pgoutput', $2::pg_lsn, $3::text, $4::text)
      on conflict (name) do update
        set plugin = excluded.plugin, consistent_lsn = excluded.consistent_lsn,
            system_identifier = excluded.system_identifier, timeline = excluded.timeline,
            created_at = clock_timestamp()`,
    values: [name, formatLsn(consistentLsn), systemIdentifier, timeline],
  };
}

export function readSlotIdentity(name: string): BuiltStatement {
  return {
    text: /* sql */ `select plugin, consistent_lsn, system_identifier, timeline from turnout.slot where name = $1::text`,
    values: [name],
  };
}
