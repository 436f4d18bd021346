create or replace function turnout.guard() returns trigger
language plpgsql volatile security definer set search_path = ''
as $function$ begin return null; end $function$;
