import type { Statement } from '@turnout/postgres/sql/statement';

/** Server, identity and slots of one side; needs none of our objects. */
export function observeServer(slotPattern: string): Statement {
  return {
    text: /* sql */ `
      select current_setting('server_version') as version,
        pg_is_in_recovery() as in_recovery,
        (select system_identifier from pg_control_system()) as system_identifier,
        case when not pg_is_in_recovery()
          then left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline,
        case when not pg_is_in_recovery() then pg_current_wal_lsn() end as lsn,
        to_regclass('turnout.side') is not null
          and to_regprocedure('turnout.swap_guard(text, text, timestamptz)') is not null as installed,
        exists (
          select from pg_db_role_setting s
          where s.setrole = 0
            and s.setdatabase = (select oid from pg_database where datname = current_database())
            and 'default_transaction_read_only=on' = any (s.setconfig)) as read_only,
        (select coalesce(json_agg(json_build_object('name', s.slot_name, 'active', s.active,
            'retained', case when not pg_is_in_recovery()
              then pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) end)), '[]')
          from pg_replication_slots s where s.slot_name like $1) as slots`,
    values: [slotPattern],
  };
}

/** Row, progress and open leaks of a side on which Turnout is installed. */
export const observeSide: Statement = {
  text: /* sql */ `
    select s.pair, s.side, s.state, s.guard, s.fence_epoch, s.claim_epoch, s.holder,
      s.switchover_id, s.certificate, extract(epoch from s.changed_at) * 1000 as changed_ms,
      (select coalesce(json_object_agg(p.link,
          json_build_object('open', p.open, 'switch_epoch', p.switch_epoch::text)), '{}')
        from turnout.progress p where p.worker = 'apply') as progress,
      (select count(*) from turnout.leak l where l.resolved_at is null) as open_leaks
    from turnout.side s`,
  values: [],
};
