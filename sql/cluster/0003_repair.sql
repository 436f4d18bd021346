-- Repair by hand on a side that is closed. To delete a leaked row is a transaction of a user on that
-- side, so without this it would be refused by the guard, or be the next leak if the guard were
-- bypassed. Usage, as one transaction:
--
--   begin read write;
--   select turnout.repair();
--   delete from public.item where id = 42;
--   commit;
--
-- Contract:
-- 1. First statement that writes. It changes a row of turnout.progress (`repair/N`), and a transaction
--    whose first change is there is ours: the opposite link skips it whole and records no leak. Called
--    later it raises 55000, because a progress row behind other changes would stop that link.
-- 2. Only on a closed side, else 55000: on an open one the change would never reach the other side.
--    The row of turnout.side stays share-locked, so the side cannot open before the repair ends; an
--    idle session is ended after a minute so that it cannot hold up a switch.
-- 3. The rest of the transaction runs in replica role: the guard lets it pass and nothing but the rows
--    named is changed. Foreign keys are neither checked nor cascaded and users' triggers do not fire:
--    delete the children of a row too.
-- 4. Nobody but a superuser and the owner of the schema may call it unless granted, and it gives no
--    privilege on user tables.
-- 5. The checker reads the changed rows like any other: run a check afterwards, then resolve the leak.
-- Called inside a savepoint that is rolled back, the permission goes with the row.
create function turnout.repair() returns text
language plpgsql
volatile
security definer
set search_path = ''
as $function$
declare
  found_side turnout.side;
  repair_link text;
  repair_worker text := 'repair/' || pg_catalog.pg_backend_pid() % 8;
begin
  if pg_catalog.pg_current_xact_id_if_assigned() is not null then
    raise exception 'turnout.repair() must come before anything the transaction writes'
      using errcode = '55000', schema = 'turnout',
        hint = 'Roll back, then: begin read write; select turnout.repair(); ...; commit;';
  end if;
  if pg_catalog.current_setting('transaction_read_only') = 'on' then
    raise exception 'turnout.repair() needs a transaction that may write'
      using errcode = '25006', hint = 'Roll back, then: begin read write; select turnout.repair(); ...; commit;';
  end if;
  -- The first change of the transaction; which link it names does not matter to the reader.
  repair_link := case (select side from turnout.side) when 'blue' then 'reverse' else 'forward' end;
  insert into turnout.progress as p (link, worker, touched) values (repair_link, repair_worker, 1)
    on conflict (link, worker) do update set touched = p.touched + 1;
  select * into found_side from turnout.side for share;
  if found_side.state is distinct from 'closed' then
    raise exception 'turnout.repair() is for a side that is closed; % is %',
      found_side.side, found_side.state
      using errcode = '55000', schema = 'turnout',
        hint = 'On the open side write as the application does: its link carries the change over.';
  end if;
  perform pg_catalog.set_config('session_replication_role', 'replica', true);
  perform pg_catalog.set_config('idle_in_transaction_session_timeout', '60000', true);
  return repair_worker;
end
$function$;

revoke all on function turnout.repair() from public;

comment on function turnout.repair() is
  'First statement of a repair by hand on a closed side: begin read write; select turnout.repair(); delete ...; commit. The opposite link skips the transaction, the guard lets it pass (replica role: no foreign keys, no cascades, no user triggers). Raises 55000 on an open side or behind other writes.';
