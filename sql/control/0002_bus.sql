-- The bus when no broker is wanted. News only: rows older than an hour go, whoever has read them.
create table turnout_control.bus_event (
  topic text not null,
  position bigint generated always as identity,
  at timestamptz not null default clock_timestamp(),
  event jsonb not null,
  primary key (topic, position)
);
create index on turnout_control.bus_event (at);

create table turnout_control.bus_cursor (
  topic text not null,
  group_id text not null,
  position bigint not null,
  moved_at timestamptz not null default clock_timestamp(),
  primary key (topic, group_id)
);

-- How far the journal of a pair was handed to the bus.
create table turnout_control.relay_cursor (
  pair text not null,
  topic text not null,
  revision bigint not null,
  primary key (pair, topic)
);

-- Publishers of a topic take turns, so positions become visible in their order. Otherwise a reader
-- that saw position 6 would move past a 5 that commits later and never deliver it.
create function turnout_control.publish(p_topic text, p_events jsonb) returns void
language plpgsql
as $function$
begin
  perform pg_advisory_xact_lock(hashtext('turnout_control.bus'), hashtext(p_topic));
  insert into turnout_control.bus_event (topic, event)
  select p_topic, e.value from jsonb_array_elements(p_events) with ordinality as e (value, n)
  order by e.n;
  perform pg_notify('turnout_bus', p_topic);
end
$function$;
