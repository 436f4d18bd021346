-- Verdict first: a writer may not meet an armed guard with a verdict that still raises.
create or replace function turnout.verdict() returns void
language plpgsql volatile set search_path = ''
as $function$ begin end $function$;

create or replace function turnout.guard() returns trigger
language plpgsql volatile security definer set search_path = ''
as $function$
begin
  lock table turnout.turnstile in row exclusive mode;
  perform turnout.verdict();
  return null;
end
$function$;
