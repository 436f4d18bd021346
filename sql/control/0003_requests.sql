-- What is wished of a link has a counter of its own. It was the epoch of a coordinator once: two
-- pauses before a switch then made a later claim look old.
alter table turnout_control.link rename column epoch to generation;

create or replace function turnout_control.announce_link() returns trigger
language plpgsql
as $function$
begin
  if tg_op = 'INSERT'
    or new.desired is distinct from old.desired
    or new.generation is distinct from old.generation
  then
    perform turnout_control.announce('links', new.pair, new.direction || ' desired');
  elsif new.observed ->> 'state' is distinct from old.observed ->> 'state'
    or new.observed ->> 'open' is distinct from old.observed ->> 'open'
    or new.observed ->> 'code' is distinct from old.observed ->> 'code'
  then
    perform turnout_control.announce('links', new.pair, new.direction || ' observed');
  end if;
  return null;
end
$function$;

-- A switchover is asked for here and taken up by whoever leads the pair. The certificate comes from
-- the side that was closed, after the fact: the store is no part of the decision.
alter table turnout_control.switchover
  drop column intent_at,
  add column begun_at timestamptz,
  add column begun_by text,
  add column attempts int not null default 0,
  add column cancel_requested_at timestamptz,
  add column cancel_requested_by text;

create function turnout_control.announce_switchover() returns trigger
language plpgsql
as $function$
begin
  if tg_op = 'INSERT'
    or new.outcome is distinct from old.outcome
    or new.cancel_requested_at is distinct from old.cancel_requested_at
  then
    perform turnout_control.announce('switchovers', new.pair, new.id);
  end if;
  return null;
end
$function$;
create trigger announce after insert or update on turnout_control.switchover
  for each row execute function turnout_control.announce_switchover();

-- What a person asks of the leader beside a switchover. `taken_at` is set once, by the one who does
-- it; a request that nobody took in time is refused rather than done late.
create table turnout_control.request (
  id text primary key,
  pair text not null references turnout_control.pair,
  kind text not null,
  params jsonb not null default '{}',
  actor text not null,
  requested_at timestamptz not null default clock_timestamp(),
  taken_at timestamptz,
  outcome text not null default 'pending' check (outcome in ('pending', 'done', 'refused')),
  code text,
  facts jsonb,
  finished_at timestamptz
);
create index on turnout_control.request (pair) where outcome = 'pending';

create function turnout_control.announce_request() returns trigger
language plpgsql
as $function$
begin
  if tg_op = 'INSERT' or new.outcome is distinct from old.outcome then
    perform turnout_control.announce('requests', new.pair, new.id);
  end if;
  return null;
end
$function$;
create trigger announce after insert or update on turnout_control.request
  for each row execute function turnout_control.announce_request();

-- News about a pair that is no event of it: what it waits for, and which servers were seen. Without a
-- trigger: whoever leads writes it often, and nobody has to wake for it.
create table turnout_control.pair_note (
  pair text primary key references turnout_control.pair,
  waiting jsonb,
  identities jsonb not null default '{}',
  noted_at timestamptz not null default clock_timestamp()
);

-- Settling never stops looking: what an earlier version gave up on is looked at again.
update turnout_control.switchover s set outcome = 'running', finished_at = null
 where outcome = 'needs_operator'
   and id = (select max(l.id) from turnout_control.switchover l where l.pair = s.pair)
   and exists (select from turnout_control.pair p where p.pair = s.pair and p.phase = 'switching');
