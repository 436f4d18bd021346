-- After T it goes on as armed, never as nothing: a window that expires in mid-switch must still meet
-- the turnstile.
create or replace function turnout.verdict() returns void
language plpgsql volatile set search_path = ''
as $function$ begin end $function$;

create or replace function turnout.guard() returns trigger
language plpgsql volatile security definer set search_path = ''
as $function$
begin
  if clock_timestamp() < :until::timestamptz then
    raise exception 'this database is read-only until %', :until
      using errcode = '25006', schema = 'turnout', hint = :hint;
  end if;
  lock table turnout.turnstile in row exclusive mode;
  perform turnout.verdict();
  return null;
end
$function$;
