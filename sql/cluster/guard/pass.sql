-- The verdict too: a side that was closed and opens again must not meet it at the next arming.
create or replace function turnout.verdict() returns void
language plpgsql volatile set search_path = ''
as $function$ begin end $function$;

create or replace function turnout.guard() returns trigger
language plpgsql volatile security definer set search_path = ''
as $function$ begin return null; end $function$;
