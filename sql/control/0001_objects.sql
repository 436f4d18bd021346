-- The control store: what was decided (journal) and what is wanted and seen (everything else). The
-- runner creates the schema and `migration` before this, so that the row of a migration is written
-- first and two runners never install the same one.

create table turnout_control.pair (
  pair text primary key,
  phase text not null default 'draft',
  conditions jsonb not null default '[]',
  writable_side text not null default 'blue' check (writable_side in ('blue', 'green')),
  revision bigint not null default 0,
  updated_at timestamptz not null default clock_timestamp()
);

-- Gapless per pair: the revision is taken under the row lock of the pair. It is also the outbox.
create table turnout_control.journal (
  pair text not null references turnout_control.pair,
  revision bigint not null,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  actor text not null,
  accepted boolean not null,
  data jsonb not null,
  primary key (pair, revision)
);

-- The row stays after a release: its epoch must never be given out twice.
create table turnout_control.lease (
  name text primary key,
  holder text,
  epoch bigint not null,
  expires_at timestamptz not null
);

create table turnout_control.link (
  pair text not null,
  direction text not null check (direction in ('forward', 'reverse')),
  desired text not null default 'stopped' check (desired in ('stopped', 'copying', 'streaming')),
  epoch bigint not null default 0,
  observed jsonb,
  observed_at timestamptz,
  primary key (pair, direction)
);

create table turnout_control.check_run (
  id text primary key,
  pair text not null,
  kind text not null check (kind in ('full', 'incremental', 'final')),
  params jsonb not null,
  holder text,
  outcome text not null default 'running'
    check (outcome in ('running', 'equal', 'different', 'could_not_verify')),
  reason text,
  tables jsonb not null default '[]',
  findings jsonb,
  rows_compared bigint not null default 0,
  differences bigint not null default 0,
  seconds double precision,
  requested_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  beat_at timestamptz,
  finished_at timestamptz
);
create index on turnout_control.check_run (pair, id);
create index on turnout_control.check_run (pair) where outcome = 'running';

-- Keys and digests, never values. Open until a later check of the table finds it equal.
create table turnout_control.difference (
  check_id text not null references turnout_control.check_run,
  pair text not null,
  table_name text not null,
  key text not null,
  kind text not null,
  source_digest text,
  target_digest text,
  columns jsonb not null default '[]',
  found_at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz,
  resolution text,
  primary key (check_id, table_name, key)
);
create index on turnout_control.difference (pair, table_name) where resolved_at is null;

create table turnout_control.tracking (
  pair text not null,
  side text not null check (side in ('blue', 'green')),
  desired text not null default 'off' check (desired in ('off', 'on')),
  observed jsonb,
  observed_at timestamptz,
  primary key (pair, side)
);

create table turnout_control.switchover (
  id text primary key,
  pair text not null,
  to_side text not null check (to_side in ('blue', 'green')),
  actor text not null,
  request_reason text,
  plan_hash text,
  outcome text not null default 'running'
    check (outcome in ('running', 'committed', 'undone', 'needs_operator')),
  reason text,
  steps jsonb not null default '[]',
  certificate jsonb,
  window_ms double precision,
  client_stall_ms double precision,
  started_at timestamptz not null default clock_timestamp(),
  intent_at timestamptz,
  finished_at timestamptz
);
create index on turnout_control.switchover (pair, id);
-- One at a time, whatever the coordinators believe.
create unique index switchover_running on turnout_control.switchover (pair) where outcome = 'running';

create table turnout_control.idempotency (
  key text primary key,
  fingerprint text not null,
  response jsonb,
  created_at timestamptz not null default clock_timestamp()
);
create index on turnout_control.idempotency (created_at);

-- Bounded: every insert deletes what is older than ten minutes.
create table turnout_control.lag_sample (
  pair text not null,
  direction text not null check (direction in ('forward', 'reverse')),
  measured_at timestamptz not null,
  lag_bytes bigint,
  lag_ms double precision,
  source text not null check (source in ('bus', 'sql')),
  primary key (pair, direction, measured_at)
);

create function turnout_control.announce(p_topic text, p_pair text, p_detail text) returns void
language sql
as $function$
  select pg_notify('turnout_control', json_build_array(p_topic, p_pair, p_detail)::text)
$function$;

create function turnout_control.announce_pair() returns trigger
language plpgsql
as $function$
begin
  perform turnout_control.announce('pairs', new.pair, new.revision::text);
  return null;
end
$function$;
create trigger announce after insert or update on turnout_control.pair
  for each row execute function turnout_control.announce_pair();

create function turnout_control.announce_journal() returns trigger
language plpgsql
as $function$
begin
  perform turnout_control.announce('journal', new.pair, new.revision::text);
  return null;
end
$function$;
create trigger announce after insert on turnout_control.journal
  for each row execute function turnout_control.announce_journal();

-- A report that only moves positions wakes nobody: it would wake its own sender, several times a second.
create function turnout_control.announce_link() returns trigger
language plpgsql
as $function$
begin
  if tg_op = 'INSERT'
    or new.desired is distinct from old.desired
    or new.epoch is distinct from old.epoch
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
create trigger announce after insert or update on turnout_control.link
  for each row execute function turnout_control.announce_link();

create function turnout_control.announce_check() returns trigger
language plpgsql
as $function$
begin
  if tg_op = 'INSERT' then
    perform turnout_control.announce('checks', new.pair, new.id || ' requested');
  elsif new.outcome is distinct from old.outcome then
    perform turnout_control.announce('checks', new.pair, new.id || ' finished');
  end if;
  return null;
end
$function$;
create trigger announce after insert or update on turnout_control.check_run
  for each row execute function turnout_control.announce_check();

create function turnout_control.announce_tracking() returns trigger
language plpgsql
as $function$
begin
  if tg_op = 'INSERT' or new.desired is distinct from old.desired then
    perform turnout_control.announce('tracking', new.pair, new.side || ' desired');
  end if;
  return null;
end
$function$;
create trigger announce after insert or update on turnout_control.tracking
  for each row execute function turnout_control.announce_tracking();
