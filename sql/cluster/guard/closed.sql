-- Writers queued on the turnstile hold the armed body: they meet the verdict. New ones meet the guard.
create or replace function turnout.verdict() returns void
language plpgsql volatile set search_path = ''
as $function$
begin
  raise exception 'this side of the database is closed for writes'
    using errcode = '25006', schema = 'turnout', hint = :hint;
end
$function$;

create or replace function turnout.guard() returns trigger
language plpgsql volatile security definer set search_path = ''
as $function$
begin
  raise exception 'this side of the database is closed for writes'
    using errcode = '25006', schema = 'turnout', hint = :hint;
end
$function$;
