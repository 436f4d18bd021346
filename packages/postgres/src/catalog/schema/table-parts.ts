/**
 * NOT NULL is a constraint of its own from 18 on and a property of the column everywhere, so it
 * counts there. A foreign key or check that a partition got from its root is not dumped either.
 */
const CONSTRAINTS = /* sql */ `
  select 'constraint', quote_ident(k.conname) || ' on ' || r.qname, r.kind || ' ' || r.qname,
    (select 'constraint ' || quote_ident(p.conname) || ' on ' || p.conrelid::regclass::text
      from pg_constraint p where p.oid = k.conparentid),
    r.nspname, r.relname,
    concat_ws(' ', pg_get_constraintdef(k.oid),
      case when k.contype in ('p', 'u', 'x') then (
        select concat_ws(' ', 'with ' || array_to_string(x.reloptions, ', '),
          case when i.indisclustered then 'clustered' end)
        from pg_index i join pg_class x on x.oid = i.indexrelid where i.indexrelid = k.conindid) end)
  from pg_constraint k join relation r on r.oid = k.conrelid
  where k.contype in ('p', 'u', 'f', 'c', 'x')
    and not (k.contype = 'f' and k.conparentid <> 0)
    and not (k.contype = 'c' and k.coninhcount > 0)`;

/** Those of constraints are in the constraint; an invalid one is never dumped. */
const INDEXES = /* sql */ `
  select 'index', x.qname, r.kind || ' ' || r.qname, 'index ' || x.parent, r.nspname, r.relname,
    concat_ws(' ', pg_get_indexdef(i.indexrelid), 'attached to ' || x.parent,
      case when not i.indisvalid then 'incomplete' end,
      case when i.indisclustered then 'clustered' end)
  from pg_index i
    join relation r on r.oid = i.indrelid
    join relation x on x.oid = i.indexrelid
  where (i.indisvalid or x.relkind = 'I')
    and not exists (select from pg_constraint k
      where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x'))`;

/** A clone on a partition is listed only where its state differs from its origin's, as in a dump. */
const TRIGGERS = /* sql */ `
  select 'trigger', quote_ident(t.tgname) || ' on ' || r.qname, r.kind || ' ' || r.qname,
    (select 'trigger ' || quote_ident(o.tgname) || ' on ' || o.tgrelid::regclass::text
      from pg_trigger o where o.oid = t.tgparentid),
    r.nspname, r.relname, pg_get_triggerdef(t.oid) || ' enabled ' || t.tgenabled::text
  from pg_trigger t
    join relation r on r.oid = t.tgrelid
    left join pg_trigger o on o.oid = t.tgparentid
  where t.tgname <> 'turnout_guard' and t.tgname !~ '^RI_ConstraintTrigger'
    and ((t.tgparentid = 0 and not t.tgisinternal) or o.tgenabled <> t.tgenabled)`;

const POLICIES = /* sql */ `
  select 'policy', quote_ident(p.polname) || ' on ' || r.qname, 'table ' || r.qname, null,
    r.nspname, r.relname,
    concat_ws(' ', p.polcmd::text, case when p.polpermissive then 'permissive' end,
      'to ' || (select string_agg(case role when 0 then 'public' else pg_get_userbyid(role) end, ', '
        order by pg_get_userbyid(role)) from unnest(p.polroles) role),
      'using ' || pg_get_expr(p.polqual, p.polrelid),
      'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
  from pg_policy p join relation r on r.oid = p.polrelid`;

const STATISTICS = /* sql */ `
  select 'statistics', format('%I.%I', s.nspname, e.stxname), r.kind || ' ' || r.qname, null,
    r.nspname, r.relname, pg_get_statisticsobjdef(e.oid)
  from pg_statistic_ext e
    join space s on s.oid = e.stxnamespace
    join relation r on r.oid = e.stxrelid`;

export const TABLE_PARTS = [CONSTRAINTS, INDEXES, TRIGGERS, POLICIES, STATISTICS] as const;
