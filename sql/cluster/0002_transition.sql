-- A side row and its guard change together, in one function: they cannot disagree, and a transition
-- is one round trip. The bodies come from sql/cluster/guard and are kept here by the installer.
create table turnout.guard_source (
  guard text primary key,
  statements text not null
);

alter table turnout.side
  -- Written inside the fence transaction: intent, proof and the closing are one atomic commit.
  add column certificate jsonb,
  add column guard text not null default 'pass'
    check (guard in ('pass', 'armed', 'closed', 'closed_until'));
update turnout.side set guard = 'closed' where state = 'closed';
alter table turnout.side
  add constraint side_guard check ((state = 'closed') = (guard = 'closed'));

create function turnout.swap_guard(p_guard text, p_hint text, p_until timestamptz) returns void
language plpgsql
as $function$
declare
  v_statements text;
begin
  select s.statements into strict v_statements from turnout.guard_source s where s.guard = p_guard;
  execute replace(
    replace(v_statements, ':until', coalesce(quote_literal(p_until), 'null')),
    ':hint', quote_literal(coalesce(p_hint, '')));
end
$function$;

-- Compares claim, holder and state; sets the state that belongs to the guard; swaps the guard. False
-- when nothing matched: superseded, or not in the state expected. Closing takes the turnstile alone
-- after the row, so a superseded coordinator never holds it; the caller's lock_timeout bounds the
-- wait. `fence_epoch` changes only together with the state.
create function turnout.transition(
  p_claim_epoch bigint,
  p_holder uuid,
  p_expect text,
  p_guard text,
  p_fence_epoch bigint,
  p_switchover_id text,
  p_hint text,
  p_until timestamptz default null
) returns boolean
language plpgsql
as $function$
declare
  v_state text := case when p_guard = 'closed' then 'closed' else 'open' end;
begin
  update turnout.side
     set state = v_state,
         guard = p_guard,
         fence_epoch = case when state = v_state then fence_epoch else p_fence_epoch end,
         switchover_id = case when state = v_state then switchover_id else p_switchover_id end,
         certificate = case when state = v_state then certificate end,
         changed_at = case when state = v_state then changed_at else clock_timestamp() end
   where claim_epoch = p_claim_epoch and holder = p_holder and state = p_expect;
  if not found then
    return false;
  end if;
  if p_expect = 'open' and v_state = 'closed' then
    lock table turnout.turnstile in exclusive mode;
  end if;
  perform turnout.swap_guard(p_guard, p_hint, p_until);
  return true;
end
$function$;
