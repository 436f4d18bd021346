/**
 * Roles of the shop; they belong to the server, so each side needs them. `shop_owner` owns every
 * object and nobody logs in as it; `app` owns nothing and may only read and write rows.
 */
export const SHOP_ROLES = /* sql */ `
do $$
begin
  if not exists (select from pg_roles where rolname = 'shop_owner') then
    create role shop_owner nologin;
  end if;
  if not exists (select from pg_roles where rolname = 'app') then
    create role app login;
  end if;
end
$$;
`;
