-- Objects of Turnout in a side's database. `side` is the truth about whether this side is open.
create schema turnout;

create table turnout.migration (
  id int primary key,
  name text not null,
  checksum text not null,
  installed_at timestamptz not null default clock_timestamp()
);

-- One row: this side. `fence_epoch` changes only together with `state`; `claim_epoch` and `holder`
-- say who may act. Every effect of a coordinator matches both in its own transaction.
create table turnout.side (
  only_row boolean primary key default true check (only_row),
  pair text not null,
  side text not null check (side in ('blue', 'green')),
  state text not null check (state in ('open', 'closed')),
  fence_epoch bigint not null default 0,
  claim_epoch bigint not null default 0,
  holder uuid,
  switchover_id text,
  changed_at timestamptz not null default clock_timestamp()
);

-- Never holds a row and is never published: armed writers share its lock, the fence takes it alone.
create table turnout.turnstile ();

create table turnout.marker (
  side text not null,
  kind text not null,
  token text,
  written_at timestamptz,
  primary key (side, kind)
);

-- Published. Every transaction in which Turnout writes user tables changes a row here first, so that
-- the opposite reader knows it as ours. Only worker `apply` carries positions.
create table turnout.progress (
  link text not null check (link in ('forward', 'reverse')),
  worker text not null,
  source_lsn pg_lsn,
  end_lsn pg_lsn,
  user_lsn pg_lsn,
  lease_epoch bigint not null default 0,
  switch_epoch bigint not null default 0,
  open boolean not null default false,
  touched bigint not null default 0,
  primary key (link, worker)
);

-- Not published: written while idle, it must not wake the opposite reader.
create table turnout.position (
  link text primary key,
  acked_lsn pg_lsn not null
);

-- Identity of a slot as created; a younger slot of the same name is refused.
create table turnout.slot (
  name text primary key,
  plugin text not null,
  consistent_lsn pg_lsn not null,
  system_identifier text not null,
  timeline text not null,
  created_at timestamptz not null default clock_timestamp()
);

create table turnout.copy_chunk (
  link text not null,
  chunk text not null,
  rows bigint not null,
  bytes bigint not null,
  copied_at timestamptz not null default clock_timestamp(),
  primary key (link, chunk)
);

-- User transactions met by a closed link: somebody wrote on a side that was fenced.
create table turnout.leak (
  link text not null,
  final_lsn pg_lsn not null,
  xid bigint not null,
  committed_at timestamptz not null,
  tables text[] not null,
  changes bigint not null,
  found_at timestamptz not null default clock_timestamp(),
  resolved_at timestamptz,
  resolution text,
  primary key (link, final_lsn)
);

-- Compare-and-set at the head of every applied transaction. It raises here, on the server, so that
-- a pipelined successor can never commit after its predecessor was refused.
create function turnout.advance(
  p_link text,
  p_lease_epoch bigint,
  p_previous pg_lsn,
  p_source pg_lsn,
  p_end pg_lsn,
  p_user pg_lsn
) returns void
language plpgsql
as $function$
begin
  update turnout.progress
     set source_lsn = p_source, end_lsn = p_end, user_lsn = coalesce(p_user, user_lsn)
   where link = p_link
     and worker = 'apply'
     and lease_epoch = p_lease_epoch
     and source_lsn = p_previous
     and (open or p_user is null);
  if not found then
    raise exception 'turnout: progress of link % did not match', p_link
      using errcode = 'TRN01', schema = 'turnout';
  end if;
end
$function$;

-- The affected rows of an applied statement are counted on the server, for the same reason.
create function turnout.expect(p_table text, p_expected bigint, p_actual bigint) returns void
language plpgsql
as $function$
begin
  if p_expected is distinct from p_actual then
    raise exception 'turnout: % rows of % changed, % expected', p_actual, p_table, p_expected
      using errcode = 'TRN02', schema = 'turnout', table = p_table;
  end if;
end
$function$;

create function turnout.verdict() returns void
language plpgsql
volatile
set search_path = ''
as $function$ begin end $function$;

create function turnout.guard() returns trigger
language plpgsql
volatile
security definer
set search_path = ''
as $function$ begin return null; end $function$;

grant usage on schema turnout to public;
grant select on turnout.side to public;
