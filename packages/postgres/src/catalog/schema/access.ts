/**
 * Owners and grants, one row per object and grantee. An object without an ACL has the built-in one;
 * the owner's own rights are said of `(owner)`, so that a change of owner is one difference. MAINTAIN
 * is 17+ and nobody older can have it: left out. Who granted is not compared.
 */
const OWNED = /* sql */ `
  select r.kind, r.qname, r.nspname, r.relname, r.relowner as owner, r.relacl as acl,
    case r.relkind when 'S' then 's' else 'r' end as class
  from relation r where r.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select 'schema', quote_ident(s.nspname), null, null, s.nspowner, s.nspacl, 'n' from space s
  where not exists (
    select from member m where m.classid = 'pg_namespace'::regclass and m.objid = s.oid)
  union all
  select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
    format('%I.%I(%s)', s.nspname, p.proname, oidvectortypes(p.proargtypes)), null, null,
    p.proowner, p.proacl, 'f'
  from pg_proc p join space s on s.oid = p.pronamespace
  where not exists (select from member m where m.classid = 'pg_proc'::regclass and m.objid = p.oid)
  union all
  select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range'
      else 'type' end, format('%I.%I', s.nspname, t.typname), null, null, t.typowner, t.typacl, 'T'
  from pg_type t
    join space s on s.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
  where t.typtype in ('e', 'd', 'r', 'c', 'b', 'p')
    and (t.typrelid = 0 or c.relkind = 'c')
    and not exists (select from pg_type e where e.typarray = t.oid)
    and not exists (select from member m where m.classid = 'pg_type'::regclass and m.objid = t.oid)
  union all
  select 'foreign_server', quote_ident(v.srvname), null, null, v.srvowner, v.srvacl, 'S'
  from pg_foreign_server v
  union all
  select 'foreign_data_wrapper', quote_ident(w.fdwname), null, null, w.fdwowner, w.fdwacl, 'F'
  from pg_foreign_data_wrapper w
  where not exists (select from member m
    where m.classid = 'pg_foreign_data_wrapper'::regclass and m.objid = w.oid)`;

const OWNERS = /* sql */ `
  select 'owner', o.kind || ' ' || o.qname, o.kind || ' ' || o.qname, null, o.nspname, o.relname,
    pg_get_userbyid(o.owner)
  from (${OWNED}) o`;

const RIGHTS = /* sql */ `string_agg(x.privilege_type || case when x.is_grantable then '*' else '' end,
      ', ' order by x.privilege_type)`;

const GRANTS = /* sql */ `
  select 'grant', format('%s %s to %s', o.kind, o.qname, g.name), o.kind || ' ' || o.qname, null,
    o.nspname, o.relname, ${RIGHTS}
  from (${OWNED}) o
    cross join lateral aclexplode(coalesce(o.acl, acldefault(o.class::"char", o.owner))) x
    cross join lateral (select case x.grantee when 0 then 'PUBLIC' when o.owner then '(owner)'
      else pg_get_userbyid(x.grantee) end as name) g
  where x.privilege_type <> 'MAINTAIN'
  group by o.kind, o.qname, o.nspname, o.relname, g.name`;

const COLUMN_GRANTS = /* sql */ `
  select 'grant', format('column %s.%I to %s', r.qname, a.attname, g.name),
    format('column %s.%I', r.qname, a.attname), null, r.nspname, r.relname, ${RIGHTS}
  from relation r
    join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    cross join lateral aclexplode(a.attacl) x
    cross join lateral (select case x.grantee when 0 then 'PUBLIC'
      else pg_get_userbyid(x.grantee) end as name) g
  group by r.qname, r.nspname, r.relname, a.attname, g.name`;

const DEFAULT_PRIVILEGES = /* sql */ `
  select 'default_privilege', concat_ws(' ', 'of', pg_get_userbyid(d.defaclrole),
      'in ' || quote_ident(s.nspname),
      'on', case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'
        when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas'
        else d.defaclobjtype::text end,
      'to', case x.grantee when 0 then 'PUBLIC' else pg_get_userbyid(x.grantee) end),
    null, null, null, null, ${RIGHTS}
  from pg_default_acl d
    left join pg_namespace s on s.oid = d.defaclnamespace
    cross join lateral aclexplode(d.defaclacl) x
  where x.privilege_type <> 'MAINTAIN' and s.nspname is distinct from 'turnout'
  group by d.defaclrole, s.nspname, d.defaclobjtype, x.grantee`;

export const ACCESS = [OWNERS, GRANTS, COLUMN_GRANTS, DEFAULT_PRIVILEGES] as const;
